// franz-go; what the subcommands take and print is in ../README.md. Its groups rebalance cooperatively.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	timeout = 60 * time.Second
	round   = 30
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
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

func client(broker string, options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append(options, kgo.SeedBrokers(broker))...)
	check(err)
	return made
}

func produce(ctx context.Context, broker, topic string, partitions int64, codec string, first, count, pauseMs, timestamp int64) {
	producer := client(broker, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codecs[codec]),
		kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerLinger(5*time.Millisecond))
	defer producer.Close()
	for start := first; start < first+count; start += round {
		var records []*kgo.Record
		for i := start; i < min(start+round, first+count); i++ {
			text := strconv.FormatInt(i, 10)
			records = append(records, &kgo.Record{
				Topic: topic, Partition: int32(i % partitions), Key: []byte("key-" + text),
				Value: []byte("value-" + text + "-" + strings.Repeat("x", 100)), Timestamp: time.UnixMilli(timestamp + i),
				Headers: []kgo.RecordHeader{{Key: "number", Value: []byte(text)}},
			})
		}
		for _, result := range producer.ProduceSync(ctx, records...) {
			check(result.Err)
			fmt.Println("produced", result.Record.Partition, result.Record.Offset, strings.TrimPrefix(string(result.Record.Key), "key-"))
		}
		time.Sleep(time.Duration(pauseMs) * time.Millisecond)
	}
}

func member(broker, topic, group, name string) {
	var lock sync.Mutex
	owned := map[int32]bool{}
	own := func(partitions map[string][]int32, owns bool) {
		lock.Lock()
		defer lock.Unlock()
		for _, partition := range partitions[topic] {
			if owns {
				owned[partition] = true
			} else {
				delete(owned, partition)
			}
		}
		var sorted []string
		for partition := range owned {
			sorted = append(sorted, strconv.Itoa(int(partition)))
		}
		slices.Sort(sorted)
		fmt.Println("owns", strings.Join(sorted, ","))
	}
	lose := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { own(lost, false) }
	consumer := client(broker, kgo.ClientID(name), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.BlockRebalanceOnPoll(), kgo.OnPartitionsRevoked(lose), kgo.OnPartitionsLost(lose),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) { own(given, true) }))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) { fmt.Println("trouble", err) })
		var records []*kgo.Record
		ends := map[int32]int64{}
		fetches.EachRecord(func(each *kgo.Record) {
			fmt.Println("record", each.Partition, each.Offset, string(each.Key), each.Timestamp.UnixMilli(),
				each.Headers[0].Key+"="+string(each.Headers[0].Value), string(each.Value))
			records = append(records, each)
			ends[each.Partition] = each.Offset + 1
		})
		if len(records) > 0 {
			within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if err := consumer.CommitRecords(within, records...); err != nil {
				fmt.Println("trouble", err)
			} else {
				for partition, end := range ends {
					fmt.Println("committed", partition, end)
				}
			}
			cancel()
		}
		consumer.AllowRebalance()
	}
	consumer.CloseAllowingRebalance()
	fmt.Println("left")
}

func main() {
	command, broker, words := os.Args[1], os.Args[2], os.Args[3:]
	if command == "member" {
		member(broker, words[0], words[1], words[2])
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	admin := kadm.NewClient(client(broker))
	defer admin.Close()
	switch command {
	case "create":
		_, err := admin.CreateTopic(ctx, int32(number(words[1])), 1, nil, words[0])
		check(err)
	case "topics":
		listed, err := admin.ListTopics(ctx)
		check(err)
		for name, topic := range listed {
			fmt.Println("topic", name, len(topic.Partitions))
		}
	case "produce":
		produce(ctx, broker, words[0], number(words[1]), words[2], number(words[3]), number(words[4]), number(words[5]), number(words[6]))
	case "times":
		found, err := admin.ListOffsetsAfterMilli(ctx, number(words[2]), words[0])
		check(err)
		check(found.Error())
		found.Each(func(each kadm.ListedOffset) { fmt.Println("offset", each.Partition, each.Offset) })
	case "reset":
		offsets := kadm.Offsets{}
		for partition := range number(words[1]) {
			offsets.AddOffset(words[0], int32(partition), number(words[3]), -1)
		}
		check(admin.CommitAllOffsets(ctx, words[2], offsets))
	case "groups":
		listed, err := admin.ListGroups(ctx)
		check(err)
		for _, each := range listed {
			fmt.Println("group", each.Group)
		}
	case "describe":
		described, err := admin.DescribeGroups(ctx, words[2])
		check(err)
		check(described.Error())
		fmt.Println("state", described[words[2]].State)
		for _, each := range described[words[2]].Members {
			fmt.Println("member", each.ClientID)
		}
		committed, err := admin.FetchOffsets(ctx, words[2])
		check(err)
		check(committed.Error())
		committed.Each(func(each kadm.OffsetResponse) { fmt.Println("offset", each.Partition, each.At) })
	case "delete-group":
		_, err := admin.DeleteGroup(ctx, words[0])
		check(err)
	case "delete-topic":
		_, err := admin.DeleteTopic(ctx, words[0])
		check(err)
	default:
		check(fmt.Errorf("unknown subcommand %s", command))
	}
	fmt.Println("done")
}
