// sarama; what the subcommands take and print is in ../README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

const round = 30

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func check(err error) {
	if err != nil {
		fmt.Println("trouble", err)
		os.Exit(1)
	}
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return value
}

func configuration() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	return config
}

func produce(broker, topic string, partitions int64, codec string, first, count, pauseMs, timestamp int64) {
	config := configuration()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Compression = codecs[codec]
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 200
	config.Producer.Retry.Backoff = 200 * time.Millisecond
	config.Metadata.Retry.Max = 200
	producer, err := sarama.NewSyncProducer([]string{broker}, config)
	check(err)
	for start := first; start < first+count; start += round {
		var messages []*sarama.ProducerMessage
		for i := start; i < min(start+round, first+count); i++ {
			text := strconv.FormatInt(i, 10)
			messages = append(messages, &sarama.ProducerMessage{
				Topic: topic, Partition: int32(i % partitions), Key: sarama.StringEncoder("key-" + text),
				Value: sarama.StringEncoder("value-" + text + "-" + strings.Repeat("x", 100)), Timestamp: time.UnixMilli(timestamp + i),
				Headers: []sarama.RecordHeader{{Key: []byte("number"), Value: []byte(text)}}, Metadata: i,
			})
		}
		check(producer.SendMessages(messages))
		for _, each := range messages {
			fmt.Println("produced", each.Partition, each.Offset, each.Metadata)
		}
		time.Sleep(time.Duration(pauseMs) * time.Millisecond)
	}
	check(producer.Close())
}

// One of the group's sessions after the other: all is claimed by Setup, and given up by Cleanup.
type handler struct{ topic string }

func (h handler) Setup(session sarama.ConsumerGroupSession) error {
	var partitions []string
	for _, partition := range session.Claims()[h.topic] {
		partitions = append(partitions, strconv.Itoa(int(partition)))
	}
	fmt.Println("owns", strings.Join(partitions, ","))
	return nil
}

func (h handler) Cleanup(sarama.ConsumerGroupSession) error {
	fmt.Println("owns")
	return nil
}

func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case each, more := <-claim.Messages():
			if !more {
				return nil
			}
			fmt.Println("record", each.Partition, each.Offset, string(each.Key), each.Timestamp.UnixMilli(),
				string(each.Headers[0].Key)+"="+string(each.Headers[0].Value), string(each.Value))
			session.MarkMessage(each, "")
		case <-time.After(100 * time.Millisecond):
			// What could not be committed before is tried again.
			session.Commit()
		case <-session.Context().Done():
			return nil
		}
	}
}

func member(broker, topic, group, name string) {
	config := configuration()
	config.ClientID = name
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Return.Errors = true
	consumer, err := sarama.NewConsumerGroup([]string{broker}, group, config)
	check(err)
	go func() {
		for err := range consumer.Errors() {
			fmt.Println("trouble", err)
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for ctx.Err() == nil {
		if err := consumer.Consume(ctx, []string{topic}, handler{topic}); err != nil {
			fmt.Println("trouble", err)
			time.Sleep(200 * time.Millisecond)
		}
	}
	check(consumer.Close())
	fmt.Println("left")
}

func main() {
	sarama.Logger = log.New(os.Stderr, "sarama ", log.LstdFlags)
	command, broker, words := os.Args[1], os.Args[2], os.Args[3:]
	switch command {
	case "member":
		member(broker, words[0], words[1], words[2])
		return
	case "produce":
		produce(broker, words[0], number(words[1]), words[2], number(words[3]), number(words[4]), number(words[5]), number(words[6]))
		fmt.Println("done")
		return
	}
	admin, err := sarama.NewClusterAdmin([]string{broker}, configuration())
	check(err)
	defer admin.Close()
	switch command {
	case "create":
		check(admin.CreateTopic(words[0], &sarama.TopicDetail{NumPartitions: int32(number(words[1])), ReplicationFactor: 1}, false))
	case "topics":
		listed, err := admin.ListTopics()
		check(err)
		for name, topic := range listed {
			fmt.Println("topic", name, topic.NumPartitions)
		}
	case "times":
		wanted := map[int32]int64{}
		for partition := range number(words[1]) {
			wanted[int32(partition)] = number(words[2])
		}
		found, err := admin.ListOffsets(map[string]map[int32]int64{words[0]: wanted}, nil)
		check(err)
		for partition, each := range found[words[0]] {
			if each.Offset < 0 {
				fmt.Println("offset", partition, "-")
			} else {
				fmt.Println("offset", partition, each.Offset)
			}
		}
	case "reset":
		offsets := map[int32]sarama.OffsetAndMetadata{}
		for partition := range number(words[1]) {
			offsets[int32(partition)] = sarama.OffsetAndMetadata{Offset: number(words[3]), LeaderEpoch: -1}
		}
		answer, err := admin.AlterConsumerGroupOffsets(words[2], map[string]map[int32]sarama.OffsetAndMetadata{words[0]: offsets}, nil)
		check(err)
		for _, code := range answer.Errors[words[0]] {
			if code != sarama.ErrNoError {
				check(code)
			}
		}
	case "groups":
		listed, err := admin.ListConsumerGroups()
		check(err)
		for name := range listed {
			fmt.Println("group", name)
		}
	case "describe":
		described, err := admin.DescribeConsumerGroups([]string{words[2]})
		check(err)
		fmt.Println("state", described[0].State)
		for _, each := range described[0].Members {
			fmt.Println("member", each.ClientId)
		}
		committed, err := admin.ListConsumerGroupOffsets(words[2], nil)
		check(err)
		for partition, block := range committed.Blocks[words[0]] {
			fmt.Println("offset", partition, block.Offset)
		}
	case "delete-group":
		check(admin.DeleteConsumerGroup(words[0]))
	case "delete-topic":
		check(admin.DeleteTopic(words[0]))
	default:
		check(fmt.Errorf("unknown subcommand %s", command))
	}
	fmt.Println("done")
}
