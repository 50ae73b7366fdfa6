"""Partitions added, described a page at a time, emptied from their beginning; who wrote to them."""

from .shared import ask, batch, bent, do, odd, there, topic, write


def more(name: str, count: int, *assigned) -> dict:
    return {"name": name, "count": count, "assignments": [{"brokerIds": list(brokers)} for brokers in assigned] or None}


def create(*topics, **more_fields) -> dict:
    return {"topics": list(topics), "timeoutMs": 30000} | more_fields


def create_partitions(v):
    t, other = f"grows-{v}", f"grows-{v}-b"
    yield from topic(t)
    yield from topic(other, 2)
    yield ask("one more", create(more(t, 2)))
    yield there(t, 2)
    yield ask("two topics at a time", create(more(t, 3), more(other, 3)))
    yield ask("placed where they are wanted", create(more(t, 5, [1], [1])))
    yield ask("only asked whether it could be", create(more(t, 9), validateOnly=True))
    yield there(t, 5)
    yield ask("no topics", create())
    yield odd("as many as there are", create(more(t, 5)))
    yield odd("fewer than there are", create(more(t, 1)))
    yield odd("none", create(more(t, 0)))
    yield odd("fewer than none", create(more(t, -1)))
    yield odd("the least that a number holds", create(more(t, -(2**31))))
    yield odd("a topic that is not there", create(more("nobody", 3)))
    yield odd("a name that is none", create(more("bad name", 3)))
    yield odd("no name", create(more("", 3)))
    yield odd("one is there, one is not", create(more("nobody", 3), more(other, 4)))
    yield odd("named twice", create(more(t, 6), more(t, 7)))
    yield odd("named twice beside another", create(more(t, 6), more(other, 5), more(t, 6)))
    yield odd("assigned too few", create(more(t, 8, [1])))
    yield odd("assigned too many", create(more(t, 6, [1], [1])))
    yield odd("assigned to nobody", create(more(t, 6, [])))
    yield odd("assigned to a broker that is not there", create(more(t, 6, [7])))
    yield odd("assigned to a negative broker", create(more(t, 6, [-1])))
    yield odd("assigned twice to the same", create(more(t, 6, [1, 1])))
    yield odd("assigned to more than the others", create(more(t, 6, [1, 2])))
    yield odd("an empty assignment", create({"name": t, "count": 6, "assignments": []}))
    yield odd("wrong, and only asked", create(more(t, 1), validateOnly=True))
    yield from bent(create(more(other, 3)))


def below(name: str, *parts) -> dict:
    return {"name": name, "partitions": [{"partitionIndex": index, "offset": offset} for index, offset in parts]}


def delete(*topics) -> dict:
    return {"topics": list(topics), "timeoutMs": 30000}


def delete_records(v):
    t, compacted, both = f"shrinks-{v}", f"shrinks-{v}-c", f"shrinks-{v}-d"
    yield from topic(t, 2)
    yield from topic(compacted, cleanup_policy="compact")
    yield from topic(both, cleanup_policy="compact,delete")
    for partition in (0, 1):
        for value in "abc":
            yield write(t, batch(value), partition=partition)
    yield ask("up to an offset", delete(below(t, (0, 1))))
    yield ask("of two partitions", delete(below(t, (0, 1), (1, 2))))
    yield ask("of two topics", delete(below(t, (0, 2)), below(both, (0, 0))))
    yield ask("below where it starts", delete(below(t, (0, 0))))
    yield ask("all", delete(below(t, (0, -1))))
    yield ask("all, again", delete(below(t, (0, -1))))
    yield ask("nothing", delete())
    yield ask("no partitions", delete(below(t)))
    yield do("ListOffsets", 7, {"replicaId": -1, "topics": [{"name": t, "partitions": [
        {"partitionIndex": index, "timestamp": time} for index in (0, 1) for time in (-2, -1)]}]})
    yield odd("above the end", delete(below(t, (1, 4))))
    yield odd("the largest offset", delete(below(t, (1, 2**63 - 1))))
    yield odd("a negative offset", delete(below(t, (1, -2))))
    yield odd("the smallest offset", delete(below(t, (1, -(2**63)))))
    yield odd("a topic that is not there", delete(below("nobody", (0, 0))))
    yield odd("a partition that is not there", delete(below(t, (7, 0))))
    yield odd("a negative partition", delete(below(t, (-1, 0))))
    yield odd("a name that is none", delete(below("bad name", (0, 0))))
    yield odd("a topic that only compacts", delete(below(compacted, (0, 0))))
    yield odd("the same partition twice", delete(below(t, (1, 0), (1, 3))))
    yield odd("the same topic twice", delete(below(t, (1, 3)), below(t, (0, 3))))
    yield odd("one is there, one is not", delete(below(t, (1, 3), (7, 3)), below("nobody", (0, 3))))
    yield from bent(delete(below(t, (0, 3))))


def page(*names, limit=2000, cursor=None) -> dict:
    at = cursor and {"topicName": cursor[0], "partitionIndex": cursor[1]}
    return {"topics": [{"name": name} for name in names], "responsePartitionLimit": limit, "cursor": at}


def describe_topic_partitions(v):
    one, two = f"paged-{v}", f"paged-{v}-b"
    yield from topic(one, 3)
    yield from topic(two)
    yield ask("a topic", page(one))
    yield ask("two, out of order", page(two, one))
    yield ask("the first page", page(one, two, limit=2))
    yield ask("the second page", page(one, two, limit=2, cursor=(one, 2)))
    yield ask("a page that ends with a topic", page(one, two, limit=3))
    yield ask("all topics, from here on", page(cursor=(one, 1)))
    yield ask("all topics, one partition each time", page(limit=1, cursor=(two, 0)))
    yield odd("no partitions at a time", page(one, limit=0))
    yield odd("fewer than none", page(one, limit=-1))
    yield odd("the most that a number holds", page(one, limit=2**31 - 1))
    yield odd("a topic that is not there", page("nobody"))
    yield odd("one is there, one is not, on a page of one", page("nobody", one, limit=1))
    yield odd("a name that is none", page("bad name"))
    yield odd("a cursor of another topic", page(one, cursor=(two, 0)))
    yield odd("a cursor of another topic, and the same topic twice", page(one, one, cursor=(two, 0)))
    yield odd("a negative cursor", page(one, cursor=(one, -1)))
    yield odd("a negative cursor over all topics", page(cursor=(one, -1)))
    yield odd("a cursor behind the last partition", page(one, two, cursor=(one, 3)))
    yield odd("a cursor far behind it", page(one, two, cursor=(one, 1_000_000)))
    yield odd("the same topic twice", page(one, one))
    yield odd("behind all topics", page(cursor=("zzz", 0)))
    yield from bent(page(one))


def producers(*topics) -> dict:
    return {"topics": [{"name": name, "partitionIndexes": list(indexes)} for name, indexes in topics]}


def describe_producers(v):
    one, two = f"written-{v}", f"written-{v}-b"
    yield from topic(one, 2)
    yield from topic(two)
    yield ask("nobody yet", producers((one, [0])))
    yield write(one, batch("a"))
    yield ask("one that says nothing of itself is not known", producers((one, [0])))
    for sequence, epoch in ((0, 0), (1, 0), (0, 1)):
        yield write(one, batch("b", producer=77, epoch=epoch, sequence=sequence))
        yield ask(f"after sequence {sequence} of epoch {epoch}", producers((one, [0])))
    yield write(one, batch("c", "d", producer=78, epoch=0, sequence=5))
    yield ask("two of them", producers((one, [0])))
    yield ask("several partitions and topics", producers((one, [0, 1]), (two, [0])))
    yield odd("no topics", producers())
    yield odd("no partitions", producers((one, [])))
    yield odd("a topic that is not there", producers(("nobody", [0, 1])))
    yield odd("a partition that is not there", producers((one, [7])))
    yield odd("a negative partition", producers((one, [-1])))
    yield odd("a name that is none", producers(("bad name", [0])))
    yield odd("no name", producers(("", [0])))
    yield odd("the same partition twice", producers((one, [1, 1])))
    yield odd("the same topic twice", producers((one, [1]), (one, [1])))
    yield from bent(producers((one, [1])))


CHAPTERS = {
    "CreatePartitions": create_partitions,
    "DeleteRecords": delete_records,
    "DescribeTopicPartitions": describe_topic_partitions,
    "DescribeProducers": describe_producers,
}
