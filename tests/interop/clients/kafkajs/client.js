// KafkaJS; what the subcommands take and print is in ../README.md. gzip is its own; the other codecs are plugged in.
'use strict'

const zstd = require('@bokuweb/zstd-wasm')
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs')
const lz4 = require('lz4js')
const xxh32 = require('lz4js/xxh32')

const ROUND = 30

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(zstd.compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(zstd.decompress(buffer)),
})

CompressionCodecs[CompressionTypes.LZ4] = () => ({
  async compress(encoder) {
    const frame = lz4.compress(encoder.buffer)
    // Blocks depend on each other unless the frame's flags, and their checksum, say otherwise; up to 4 MiB there is but one.
    frame[4] |= 0x20
    frame[6] = xxh32.hash(0, frame, 4, 2) >> 8
    return Buffer.from(frame)
  },
  decompress: async buffer => Buffer.from(lz4.decompress(buffer)),
})

const { None: none, GZIP: gzip, Snappy: snappy, LZ4, ZSTD } = CompressionTypes
const CODECS = { none, gzip, snappy, lz4: LZ4, zstd: ZSTD }

const say = (...words) => console.log(words.join(' '))

const kafka = (broker, clientId) =>
  new Kafka({
    clientId: clientId ?? 'kafkajs',
    brokers: [broker],
    logLevel: logLevel.WARN,
    logCreator: () => ({ log }) => say('trouble', JSON.stringify(log)),
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 },
  })

async function withAdmin(broker, act) {
  const admin = kafka(broker).admin()
  await admin.connect()
  try {
    await act(admin)
  } finally {
    await admin.disconnect()
  }
}

const commands = {
  create: (broker, topic, partitions) =>
    withAdmin(broker, admin => admin.createTopics({ topics: [{ topic, numPartitions: +partitions, replicationFactor: 1 }] })),

  topics: broker =>
    withAdmin(broker, async admin => {
      for (const { name, partitions } of (await admin.fetchTopicMetadata()).topics) say('topic', name, partitions.length)
    }),

  async produce(broker, topic, partitions, codec, first, count, pauseMs, timestamp) {
    await zstd.init()
    const producer = kafka(broker).producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (let start = +first; start < +first + +count; start += ROUND) {
      const numbers = Array.from({ length: Math.min(ROUND, +first + +count - start) }, (_, i) => start + i)
      const messages = numbers.map(number => ({
        key: `key-${number}`,
        value: `value-${number}-${'x'.repeat(100)}`,
        partition: number % +partitions,
        timestamp: String(+timestamp + number),
        headers: { number: String(number) },
      }))
      const next = {}
      for (const { partition, baseOffset } of await producer.send({ topic, acks: -1, compression: CODECS[codec], messages })) {
        next[partition] = +baseOffset
      }
      for (const number of numbers) say('produced', number % +partitions, next[number % +partitions]++, number)
      await new Promise(resolve => setTimeout(resolve, +pauseMs))
    }
    await producer.disconnect()
  },

  async member(broker, topic, groupId, name) {
    await zstd.init()
    const consumer = kafka(broker, name).consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 200 })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => say('owns', (payload.memberAssignment[topic] ?? []).join(',')))
    // Not at REBALANCING: it is also told when the coordinator is away, and then all may go on without joining again.
    const ended = new Promise(resolve => process.once('SIGTERM', resolve))
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        for (const { offset, key, timestamp, headers, value } of messages) {
          say('record', partition, offset, key, timestamp, `number=${headers.number}`, value)
        }
        const offset = String(BigInt(messages.at(-1).offset) + 1n)
        await consumer.commitOffsets([{ topic, partition, offset }])
        say('committed', partition, offset)
      },
    })
    await ended
    await consumer.disconnect()
    say('left')
  },

  times: (broker, topic, partitions, timestamp) =>
    withAdmin(broker, async admin => {
      // Where nothing is that late, KafkaJS puts the end.
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, +timestamp)
      for (const { partition, offset } of found) say('offset', partition, offset)
    }),

  reset: (broker, topic, partitions, groupId, offset) =>
    withAdmin(broker, admin =>
      admin.setOffsets({
        groupId,
        topic,
        partitions: Array.from({ length: +partitions }, (_, partition) => ({ partition, offset })),
      })
    ),

  groups: broker =>
    withAdmin(broker, async admin => {
      for (const { groupId } of (await admin.listGroups()).groups) say('group', groupId)
    }),

  describe: (broker, topic, partitions, groupId) =>
    withAdmin(broker, async admin => {
      const [group] = (await admin.describeGroups([groupId])).groups
      say('state', group.state)
      for (const { clientId } of group.members) say('member', clientId)
      for (const { partitions: offsets } of await admin.fetchOffsets({ groupId, topics: [topic] })) {
        for (const { partition, offset } of offsets) if (+offset >= 0) say('offset', partition, offset)
      }
    }),

  'delete-group': (broker, groupId) => withAdmin(broker, admin => admin.deleteGroups([groupId])),

  'delete-topic': (broker, topic) => withAdmin(broker, admin => admin.deleteTopics({ topics: [topic] })),
}

const [command, ...words] = process.argv.slice(2)
commands[command](...words).then(
  () => {
    say('done')
    // After an outage of the broker KafkaJS may keep what holds the process, though it is disconnected.
    process.exit(0)
  },
  error => {
    console.error(error)
    process.exit(1)
  }
)
