// A kafkajs client that the cases of this folder drive: "produce" sends what it reads, "member" is a member of a group that
// tells on standard output what happens to it and does what it is told on standard input, "admin" makes one call. One JSON
// object a line.
'use strict'

const readline = require('readline')
const { AssignerProtocol, Kafka, logLevel } = require('kafkajs')

const [mode, argument] = process.argv.slice(2)
const settings = JSON.parse(argument)
const patience = settings.heartbeat_ms ? { retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 100 } } : {}
const kafka = new Kafka({ brokers: [settings.bootstrap], logLevel: logLevel.ERROR, ...patience })

function tell(what, content) {
  process.stdout.write(`${JSON.stringify({ [what]: content })}\n`)
}

function linesOfInput() {
  return readline.createInterface({ input: process.stdin })
}

// Sends every message of standard input to the partition that it names, and tells their offsets in that order.
async function produce() {
  const sent = []
  for await (const line of linesOfInput()) sent.push(JSON.parse(line))
  const producer = kafka.producer()
  await producer.connect()
  const messages = sent.map(({ partition, value }) => ({ partition, value }))
  const stored = await producer.send({ topic: sent[0].topic, messages })
  const next = new Map(stored.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]))
  tell('answer', sent.map(({ partition }) => {
    const offset = next.get(partition)
    next.set(partition, offset + 1)
    return offset
  }))
  await producer.disconnect()
}

class Member {
  constructor() {
    this.consumer = kafka.consumer({
      groupId: settings.group,
      ...(settings.session_ms && { sessionTimeout: settings.session_ms }),
      ...(settings.heartbeat_ms && { heartbeatInterval: settings.heartbeat_ms }),
      ...(settings.fetch_ms && { maxWaitTimeInMs: settings.fetch_ms }),
    })
    this.next = new Map() // by topic and partition: what follows the last record
    this.share = {}
  }

  async join() {
    const { GROUP_JOIN, REBALANCING } = this.consumer.events
    this.consumer.on(GROUP_JOIN, ({ payload }) => this.changed('assigned', payload.memberAssignment))
    this.consumer.on(REBALANCING, () => this.changed('revoked', {}))
    await this.consumer.connect()
    const topics = settings.pattern ? settings.topics.map(topic => new RegExp(topic)) : settings.topics
    await this.consumer.subscribe({ topics, fromBeginning: true })
    await this.consumer.run({ autoCommit: false, eachMessage: async got => this.got(got) })
    for await (const line of linesOfInput()) {
      const command = JSON.parse(line)
      tell('answer', await this.obey(command).catch(error => `error: ${error.type || error.message}`))
      if (command.do === 'leave') process.exit(0)
    }
  }

  changed(what, share) {
    this.share = share
    tell('rebalance', { what, partitions: share, share })
  }

  got({ topic, partition, message }) {
    this.next.set(JSON.stringify([topic, partition]), Number(message.offset) + 1)
    tell('record', { topic, partition, offset: Number(message.offset), value: message.value.toString() })
  }

  async obey({ do: what, topic, partition, offset }) {
    switch (what) {
      case 'commit':
        await this.consumer.commitOffsets(this.position())
        break
      case 'commit offset':
        await this.consumer.commitOffsets([{ topic, partition, offset: String(offset) }])
        break
      case 'committed':
        return committed(settings.group, [topic])
      case 'pause':
        this.consumer.pause([{ topic, partitions: [partition] }])
        break
      case 'resume':
        this.consumer.resume([{ topic, partitions: [partition] }])
        break
      case 'seek':
        this.consumer.seek({ topic, partition, offset: String(offset) })
        break
      case 'leave':
        await this.consumer.disconnect()
        break
    }
    return 'done'
  }

  // What follows the last record of each partition that it has.
  position() {
    return [...this.next]
      .map(([at, offset]) => [...JSON.parse(at), offset])
      .filter(([topic, partition]) => (this.share[topic] || []).includes(partition))
      .map(([topic, partition, offset]) => ({ topic, partition, offset: String(offset) }))
  }
}

async function withAdmin(work) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

// What the broker has of a group: topic, partition, offset.
async function committed(groupId, topics) {
  const found = await withAdmin(admin => admin.fetchOffsets({ groupId, topics }))
  return found.flatMap(({ topic, partitions }) => partitions
    .filter(({ offset }) => Number(offset) >= 0)
    .map(({ partition, offset }) => [topic, partition, Number(offset)]))
}

// One call of the administrator, its answer as it is but for what is packed in it.
async function administer() {
  const answer = await withAdmin(admin => admin[settings.call](...settings.arguments)).catch(error => {
    const each = error.groups && error.groups[0]
    return { error: each ? each.error.type : error.type || error.message }
  })
  for (const group of (answer && answer.groups) || []) {
    for (const member of group.members || []) {
      member.assignment = AssignerProtocol.MemberAssignment.decode(member.memberAssignment)?.assignment
    }
  }
  tell('answer', answer === undefined ? null : answer)
}

const modes = { produce, member: () => new Member().join(), admin: administer }
modes[mode]().catch(error => {
  console.error(error)
  process.exit(1)
})
