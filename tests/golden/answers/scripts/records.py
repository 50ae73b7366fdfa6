"""Writing and reading."""

from .shared import NOBODY, TIME, ask, batch, bent, do, odd, topic, write

TRANSACTIONAL, CONTROL = 16, 32
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
MOST = 2**63 - 1


def produce(v):
    t = f"p-{v}"
    yield from topic(t, 4)
    yield from topic(f"{t}-stamped", message_timestamp_type="LogAppendTime")
    yield from topic(f"{t}-compacted", cleanup_policy="compact")
    yield from topic(f"{t}-small", max_message_bytes="100")
    yield do("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1000}, until={"errorCode": 0})
    ids = {t: "@topic0", f"{t}-stamped": "@topic1", f"{t}-compacted": "@topic2", f"{t}-small": "@topic3", "nobody": NOBODY}

    def one(name: str, *parts, acks=-1, transaction=None) -> dict:
        data = [{"index": partition, "records": records} for partition, records in parts]
        named = {"name": name} if v < 13 else {"topicId": ids.get(name, name)}
        return {"transactionalId": transaction, "acks": acks, "timeoutMs": 30000, "topicData": [named | {"partitionData": data}]}

    def mine(*values, sequence, epoch=0, **more):
        return [batch(*values, producer="@producer0", epoch=epoch, sequence=sequence, **more)]

    yield ask("two records", one(t, (0, [batch("a", "b")])))
    yield ask("compressed", one(t, (0, [batch("c" * 50, "d" * 50, codec=GZIP)])))
    yield ask("compressed in other ways", one(t, (0, [batch("e", codec=LZ4)]), (3, [batch("e", codec=SNAPPY)])))
    yield ask("for the leader to take", one(t, (0, [batch("e")]), acks=1))
    yield ask("stamped by the broker", one(f"{t}-stamped", (0, [batch("a")])))
    yield ask("an idempotent producer begins", one(t, (1, mine("a", "b", sequence=0))))
    yield ask("it goes on", one(t, (1, mine("c", sequence=2))))
    yield ask("it repeats itself", one(t, (1, mine("c", sequence=2))))
    yield ask("two partitions", one(t, (0, [batch("f")]), (2, [batch("f")])))
    yield ask("of a million million years ago", one(t, (2, [batch("f", time=0)])))
    yield ask("no topics", {"acks": -1, "timeoutMs": 30000, "topicData": []})
    yield odd("a batch that it wrote long ago", one(t, (1, mine("a", "b", sequence=0))))
    yield odd("it leaves a gap", one(t, (1, mine("e", sequence=7))))
    yield odd("its new epoch does not begin at 0", one(t, (1, mine("e", sequence=3, epoch=1))))
    yield odd("its new epoch begins at 0", one(t, (1, mine("e", sequence=0, epoch=1))))
    yield odd("its old epoch", one(t, (1, mine("e", sequence=3))))
    yield odd("a producer that nobody knows begins with 5", one(t, (1, [batch("g", producer=4711, epoch=0, sequence=5)])))
    yield odd("a producer without a sequence", one(t, (1, [batch("g", producer=4711, epoch=0, sequence=-1)])))
    yield odd("a topic that is not there", one("nobody", (0, [batch("a")])))
    yield odd("a partition that is not there", one(t, (4, [batch("a")])))
    yield odd("a partition below 0", one(t, (-1, [batch("a")])))
    yield odd("acks that do not exist", one(t, (0, [batch("a")]), acks=2))
    yield odd("acks that do not exist, for a topic that does not", one("nobody", (0, [batch("a")]), acks=-2))
    yield odd("a wrong checksum", one(t, (0, [batch("a", damage=1)])))
    yield odd("a count that is too large", one(t, (0, [batch("a", claimed=2)])))
    yield odd("a count that is too small", one(t, (0, [batch("a", "b", claimed=1)])))
    yield odd("no records in it", one(t, (0, [batch()])))
    yield odd("a last offset that is too large", one(t, (0, [batch("a", lastOffsetDelta=3)])))
    yield odd("an offset of its own", one(t, (0, [batch("a", baseOffset=77)])))
    yield odd("magic 1", one(t, (0, [batch("a", magic=1)])))
    yield odd("magic 3", one(t, (0, [batch("a", magic=3)])))
    yield odd("cut", one(t, (0, [batch("a", cut=3)])))
    yield odd("a length that is too small", one(t, (0, [batch("a", length=20)])))
    yield odd("a length that is too large", one(t, (0, [batch("a", length=2**31 - 1)])))
    yield odd("zstd", one(t, (0, [batch("a", codec=ZSTD)])))
    yield odd("a codec that nobody knows", one(t, (0, [batch("a", attributes=5)])))
    yield odd("compressed, it says", one(t, (0, [batch("a", attributes=GZIP)])))
    yield odd("two batches", one(t, (0, [batch("a"), batch("b")])))
    yield odd("no bytes", one(t, (0, "")))
    yield odd("the same partition twice", one(t, (2, [batch("f")]), (2, [batch("g")])))
    yield odd("a record without a key in a compacted topic", one(f"{t}-compacted", (0, [batch("a", "b", key=None)])))
    yield odd("larger than a batch may be", one(f"{t}-small", (0, [batch("x" * 50)])))
    yield odd("a time that is far ahead", one(t, (0, [batch("a", time=TIME * 3)])))
    yield odd("a time below 0", one(t, (0, [batch("a", time=-5)])))
    yield odd("transactional without an id", one(t, (0, [batch("a", attributes=TRANSACTIONAL, producer=4711, epoch=0, sequence=0)])))
    yield odd("a control batch", one(t, (0, [batch("a", attributes=CONTROL)])))
    yield odd("stamped by a broker, it says", one(t, (0, [batch("a", attributes=8)])))
    yield from bent(one(t, (0, [batch("a")])))
    yield odd("nobody wants to know", one(t, (0, [batch("quiet")]), acks=0), silent=True)
    yield ask("and it is there", one(t, (0, [batch("loud")])))


def fetch(v):
    t = f"f-{v}"
    yield from topic(t, 3)
    yield from topic(f"{t}-empty", 1)
    yield write(t, batch("a", "b"))
    yield write(t, batch("c" * 50, "d" * 50, codec=GZIP))
    yield write(t, batch("e"))
    yield write(t, batch("z", "y", "x"), partition=1)
    ids = {t: "@topic0", f"{t}-empty": "@topic1", "nobody": NOBODY}

    def name(topic):
        return {"topic": topic} if v < 13 else {"topicId": ids[topic]}

    def part(offset, partition=0, limit=1 << 20, **more):
        return {"partition": partition, "fetchOffset": offset, "partitionMaxBytes": limit} | more

    def get(*topics, wait=0, least=1, session=None, forgotten=(), **more) -> dict:
        body = {"maxWaitMs": wait, "minBytes": least, "topics": [name(topic) | {"partitions": parts} for topic, *parts in topics]} | more
        if v < 15:
            body |= {"replicaId": -1}
        if session is not None:
            body |= dict(zip(("sessionId", "sessionEpoch"), session))
        if forgotten:
            body["forgottenTopicsData"] = [name(topic) | {"partitions": partitions} for topic, partitions in forgotten]
        return body

    yield ask("from the beginning", get((t, part(0))))
    yield ask("the second record's batch", get((t, part(1, limit=1))))
    yield ask("the last batch", get((t, part(4))))
    yield ask("at the end, without patience", get((t, part(5))))
    yield ask("at the end, with some patience", get((t, part(5)), wait=30))
    yield ask("two partitions and two topics", get((t, part(0), part(2, 1)), (f"{t}-empty", part(0))))
    yield ask("only what is committed", get((t, part(0, 1)), isolationLevel=1))
    yield ask("no topics", get())
    yield ask("no bytes are too few", get((t, part(5)), least=0, wait=1000))
    yield ask("little room for all", get((t, part(0), part(0, 1)), maxBytes=1))
    if v >= 7:
        s = ("@session0", 1)
        yield ask("a session begins", get((t, part(5)), (f"{t}-empty", part(0)), session=(0, 0)))
        yield ask("it has nothing new to tell", get(session=s))
        yield ask("it takes another one in", get((t, part(0, 2)), session=("@session0", 2)))
        yield write(t, batch("new"))
        yield ask("it tells what is new", get(session=("@session0", 3)))
        yield ask("it moves on", get((t, part(6)), session=("@session0", 4)))
        yield ask("it forgets one", get(forgotten=[(t, [0])], session=("@session0", 5)))
        yield ask("it forgets what it does not know", get(forgotten=[(t, [0, 2])], session=("@session0", 6)))
        yield odd("it is out of step", get(session=("@session0", 9)))
        yield odd("it asks for an epoch below 0", get(session=("@session0", -2)))
        yield odd("an end to it", get((t, part(0)), session=("@session0", -1)))
        yield odd("after its end", get(session=("@session0", 7)))
        yield odd("a session that nobody has", get((t, part(0)), session=(77, 1)))
        yield odd("a session without an epoch", get((t, part(0)), session=(77, 0)))
        yield odd("an epoch without a session", get((t, part(0)), session=(0, 3)))
        yield odd("a session of nothing", get(session=(0, 0)))
        yield odd("a session of a partition that is not there", get((t, part(0, 8)), session=(0, 0)))
        yield odd("a session of the same partition twice", get((t, part(0), part(1)), session=(0, 0)))
        yield odd("forgetting without a session", get((t, part(0)), forgotten=[(t, [0])]))
    yield odd("behind the end", get((t, part(90))))
    yield odd("before the beginning", get((t, part(-1))))
    yield odd("the largest offset", get((t, part(MOST))))
    yield odd("the smallest offset", get((t, part(-MOST - 1))))
    yield odd("a topic that is not there", get(("nobody", part(0))))
    yield odd("a partition that is not there", get((t, part(0, 3))))
    yield odd("a partition below 0", get((t, part(0, -1))))
    yield odd("an epoch of the future", get((t, part(0, currentLeaderEpoch=5))))
    yield odd("an epoch below -1", get((t, part(0, currentLeaderEpoch=-2))))
    yield odd("an epoch of the future, behind the end", get((t, part(90, currentLeaderEpoch=5))))
    yield odd("records of an epoch that never was", get((t, part(3, lastFetchedEpoch=5))))
    yield odd("more than there is of an epoch", get((t, part(9, lastFetchedEpoch=0))))
    yield odd("no room at all", get((t, part(0, limit=0))))
    yield odd("room below nothing", get((t, part(0, limit=-1))))
    yield odd("no room for all", get((t, part(0)), maxBytes=0))
    yield odd("no partitions", get((t,)))
    yield odd("twice the same topic", get((t, part(0)), (t, part(2))))
    yield odd("twice the same partition", get((t, part(0), part(2))))
    yield odd("an isolation that nobody knows", get((t, part(0)), isolationLevel=3))
    yield odd("waiting for less than no time", get((t, part(5)), wait=-1))
    yield odd("a log start that a client has no business to name", get((t, part(0, logStartOffset=3))))
    if v < 15:
        yield odd("a follower that is none", get((t, part(0))) | {"replicaId": 7})
        yield odd("a debugger", get((t, part(0))) | {"replicaId": -2})
    else:
        yield odd("a follower that is none", get((t, part(0))) | {"replicaState": {"replicaId": 7, "replicaEpoch": 1}})
        yield odd("another cluster's", get((t, part(0))) | {"clusterId": "somebody-else"})
    yield from bent(get((t, part(0))))


def list_offsets(v):
    t = f"o-{v}"
    yield from topic(t, 2)
    yield write(t, batch("a", "b"))
    yield write(t, batch("c", time=TIME + 100))
    yield write(t, batch("late", time=TIME + 50))

    def at(*parts, name=t, **more) -> dict:
        data = [{"partitionIndex": partition, "timestamp": time} | more for partition, time in parts]
        return {"replicaId": -1, "topics": [{"name": name, "partitions": data}]}

    yield ask("the end", at((0, -1)))
    yield ask("the beginning", at((0, -2)))
    yield ask("by time", at((0, TIME + 1)))
    yield ask("by a time between", at((0, TIME + 60)))
    yield ask("by the time that is largest", at((0, TIME + 100)))
    yield ask("two partitions", at((0, -1), (1, -1)))
    yield ask("what is committed", at((0, -1)) | {"isolationLevel": 1})
    yield ask("within some time", at((0, -1)) | {"timeoutMs": 1000})
    yield ask("no topics", {"replicaId": -1, "topics": []})
    yield odd("the largest time", at((0, -3)))
    yield odd("what lies here", at((0, -4)))
    yield odd("what is tiered", at((0, -5)))
    yield odd("what waits to be tiered", at((0, -6)))
    yield odd("a time that means nothing", at((0, -9)))
    yield odd("a time that nothing has", at((0, TIME + 101)))
    yield odd("the largest number", at((0, MOST)))
    yield odd("a topic that is not there", at((0, -1), name="nobody"))
    yield odd("a topic of no name", at((0, -1), name=""))
    yield odd("a partition that is not there", at((2, -1)))
    yield odd("a partition below 0", at((-1, -1)))
    yield odd("an epoch of the future", at((0, -1), currentLeaderEpoch=5))
    yield odd("by time, an epoch of the future", at((0, TIME), currentLeaderEpoch=5))
    yield odd("the epoch that is", at((0, -1), currentLeaderEpoch=0))
    yield odd("the topic asked twice", {"replicaId": -1, "topics": at((0, -1))["topics"] * 2})
    yield odd("the partition asked twice", at((0, -1), (0, -2)))
    yield odd("an empty partition by time", at((1, 0)))
    yield odd("a follower that is none", at((0, -1)) | {"replicaId": 7})
    yield odd("a debugger", at((0, -1)) | {"replicaId": -2})
    yield odd("an isolation that nobody knows", at((0, -1)) | {"isolationLevel": 9})
    yield from bent(at((0, -1)))


def offset_for_leader_epoch(v):
    t = f"e-{v}"
    yield from topic(t, 2)
    yield write(t, batch("a", "b"))

    def end(*parts, name=t, current=-1) -> dict:
        body = {"topics": [{"topic": name, "partitions": [{"partition": partition, "currentLeaderEpoch": current, "leaderEpoch": epoch} for partition, epoch in parts]}]}
        return body | ({"replicaId": -1} if v >= 3 else {})

    yield ask("the epoch that goes on", end((0, 0)))
    yield ask("two partitions", end((0, 0), (1, 0)))
    yield ask("one who knows the leader's epoch", end((0, 0), current=0))
    yield ask("no topics", end() | {"topics": []})
    yield odd("an epoch that is to come", end((0, 5)))
    yield odd("no epoch", end((0, -1)))
    yield odd("an epoch far below 0", end((0, -7)))
    yield odd("the largest epoch", end((0, 2**31 - 1)))
    yield odd("a leader's epoch that is to come", end((0, 0), current=5))
    yield odd("a topic that is not there", end((0, 0), name="nobody"))
    yield odd("a partition that is not there", end((2, 0)))
    yield odd("a partition below 0", end((-1, 0)))
    yield odd("an empty partition", end((1, 0)))
    yield odd("twice the same partition", end((0, 0), (0, 5)))
    yield odd("twice the same topic", end() | {"topics": end((0, 0))["topics"] * 2})
    yield odd("a follower that is none", end((0, 0)) | {"replicaId": 7})
    yield from bent(end((0, 0)))


def init_producer_id(v):
    def ask_for(**more):
        return {"transactionalId": None, "transactionTimeoutMs": 1000} | more

    yield do("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1000}, until={"errorCode": 0})
    yield ask("an idempotent producer", ask_for())
    yield ask("another one", ask_for())
    yield ask("one of no time", ask_for(transactionTimeoutMs=0))
    yield odd("of less than no time", ask_for(transactionTimeoutMs=-1))
    yield odd("one that has an id and says so", ask_for(producerId="@producer0", producerEpoch=0))
    yield odd("one that has somebody's id", ask_for(producerId=4711, producerEpoch=3))
    yield odd("an id without its epoch", ask_for(producerId=77))
    yield odd("an epoch without its id", ask_for(producerEpoch=3))
    yield odd("the last epoch", ask_for(producerId=77, producerEpoch=2**15 - 1))
    yield odd("an id below -1", ask_for(producerId=-2, producerEpoch=3))
    yield odd("a transactional id of no letters", ask_for(transactionalId=""))
    yield odd("a transaction of no time", ask_for(transactionalId=f"x-{v}", transactionTimeoutMs=0))
    yield odd("a transaction of too long a time", ask_for(transactionalId=f"x-{v}", transactionTimeoutMs=900_001))
    yield odd("in two phases", ask_for(enable2Pc=True))
    yield odd("what was prepared is kept", ask_for(keepPreparedTxn=True))
    yield from bent(ask_for())


CHAPTERS = {
    "Produce": produce, "Fetch": fetch, "ListOffsets": list_offsets, "OffsetForLeaderEpoch": offset_for_leader_epoch,
    "InitProducerId": init_producer_id,
}
