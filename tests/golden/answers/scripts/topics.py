"""Topics as such: made, described, deleted."""

from .shared import NOBODY, NO_ID, ask, bent, do, odd, there, topic


def metadata_of(*topics, **more) -> dict:
    return {"topics": [topic if isinstance(topic, dict) else {"name": topic} for topic in topics]} | more


def metadata(v):
    one, two = f"meta-{v}", f"meta-{v}-b"
    yield from topic(one, 3)
    yield from topic(two)
    at_once = {"allowAutoTopicCreation": False} if v >= 4 else {}
    yield ask("one by name", metadata_of(one, **at_once))
    yield ask("two by name", metadata_of(two, one, **at_once))
    yield ask("one by id", metadata_of({"topicId": "@topic0", "name": None}, **at_once))
    yield ask("only the brokers", {"topics": []} | at_once) if v else ask("the brokers, with a topic", metadata_of(two))
    yield ask("with what may be done to topics", metadata_of(one, includeTopicAuthorizedOperations=True))
    yield ask("with what may be done to the cluster", metadata_of(one, includeClusterAuthorizedOperations=True))
    yield odd("one that is not there", metadata_of("nobody", **at_once)) if v >= 4 else odd("a name of dots", metadata_of(".."))
    yield odd("two of which one is not there", metadata_of("nobody", two, **at_once)) if v >= 4 else odd("dots and one", metadata_of("..", two))
    yield odd("an id that is not there", metadata_of({"topicId": NOBODY, "name": None}))
    yield odd("two ids, one of nobody", metadata_of({"topicId": NOBODY, "name": None}, {"topicId": "@topic1", "name": None}))
    yield odd("an id and its name", metadata_of({"topicId": "@topic0", "name": one}))
    yield odd("an id and another one's name", metadata_of({"topicId": "@topic0", "name": two}))
    yield odd("neither name nor id", metadata_of({"name": None}))
    yield odd("a name that is none", metadata_of("bad name"))
    yield odd("no name", metadata_of(""))
    yield odd("a name of 249 letters and one of 250", metadata_of("ü", "x" * 250, **at_once))
    yield odd("twice the same", metadata_of(one, one, **at_once))
    yield odd("made on first use, and not there yet", metadata_of(f"later-{v}"))
    yield odd("a null where topics are", {"topics": None}, bent={"cut": 1})
    yield from bent(metadata_of(one, **at_once))


def new(name, partitions=1, replicas=1, assigned=(), **configs) -> dict:
    assignments = [{"partitionIndex": index, "brokerIds": list(brokers)} for index, brokers in assigned]
    settings = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    return {"name": name, "numPartitions": partitions, "replicationFactor": replicas, "assignments": assignments, "configs": settings}


def create(*topics, **more) -> dict:
    return {"topics": list(topics), "timeoutMs": 30000} | more


def create_topics(v):
    t = f"made-{v}"
    yield ask("three partitions", create(new(t, 3)))
    yield ask("with a setting of its own", create(new(f"{t}-stamped", message_timestamp_type="LogAppendTime")))
    yield ask("compacted, small and old", create(new(f"{t}-c", cleanup_policy="compact", max_message_bytes="100", retention_ms="-1")))
    yield ask("replicas where they are wanted", create(new(f"{t}-placed", -1, -1, [(0, [1]), (1, [1])])))
    yield ask("only asked whether it could be", create(new(f"{t}-checked", 2, cleanup_policy="compact,delete"), validateOnly=True))
    yield ask("the broker's defaults", create(new(f"{t}-default", -1, -1))) if v >= 4 else ask("one partition", create(new(f"{t}-one")))
    yield ask("a dot in its name", create(new(f"dot.{v}")))
    yield ask("two at a time", create(new(f"{t}-x"), new(f"{t}-y", 2)))
    yield ask("no topics", create())
    yield ask("no patience", create(new(f"{t}-now")) | {"timeoutMs": 0})
    yield odd("it exists", create(new(t)))
    yield odd("it exists, and that is only asked", create(new(t), validateOnly=True))
    yield odd("one exists, one does not", create(new(t), new(f"{t}-z")))
    yield odd("a dot and a dash look alike in metrics", create(new(f"dot_{v}")))
    yield odd("a name with a space", create(new("bad name")))
    yield odd("no name", create(new("")))
    yield odd("a name of dots", create(new("..")))
    yield odd("250 letters", create(new("x" * 250)))
    yield odd("more replicas than brokers", create(new(f"{t}-odd", 1, 3)))
    yield odd("no partitions", create(new(f"{t}-odd", 0)))
    yield odd("partitions below -1", create(new(f"{t}-odd", -2)))
    yield odd("more partitions than one request may make", create(new(f"{t}-odd", 10_001)))
    yield odd("the most partitions that a number holds", create(new(f"{t}-odd", 2**31 - 1)))
    yield odd("no replicas", create(new(f"{t}-odd", 1, 0)))
    yield odd("replicas below -1", create(new(f"{t}-odd", 1, -2)))
    yield odd("the defaults before they could be asked for", create(new(f"{t}-odd", -1, -1), validateOnly=True))
    yield odd("a setting that nobody knows", create(new(f"{t}-odd", no_such_key="1")))
    yield odd("a setting that is null", create(new(f"{t}-odd", retention_ms=None)))
    yield odd("a setting out of bounds", create(new(f"{t}-odd", segment_bytes="1")))
    yield odd("a setting that is no number", create(new(f"{t}-odd", retention_ms="soon")))
    yield odd("two settings that are wrong", create(new(f"{t}-odd", retention_ms="soon", cleanup_policy="never")))
    yield odd("assigned and counted", create(new(f"{t}-odd", 2, -1, [(0, [1])])))
    yield odd("assigned, and replicas counted", create(new(f"{t}-odd", -1, 1, [(0, [1])])))
    yield odd("assigned with a gap", create(new(f"{t}-odd", -1, -1, [(0, [1]), (2, [1])])))
    yield odd("assigned twice", create(new(f"{t}-odd", -1, -1, [(0, [1]), (0, [1])])))
    yield odd("assigned to nobody we know", create(new(f"{t}-odd", -1, -1, [(0, [9])])))
    yield odd("assigned to nobody", create(new(f"{t}-odd", -1, -1, [(0, [])])))
    yield odd("assigned to the same one twice", create(new(f"{t}-odd", -1, -1, [(0, [1, 1])])))
    yield odd("named twice", create(new(f"{t}-odd"), new(f"{t}-odd", 2)))
    yield odd("named twice, beside one that is fine", create(new(f"{t}-odd"), new(f"{t}-w"), new(f"{t}-odd", 2)))
    yield from bent(create(new(f"{t}-bent")))
    yield do("Metadata", 12, metadata_of(f"{t}-now", allowAutoTopicCreation=False))


def delete(*topics) -> dict:
    both = [{"name": name, "topicId": identity} for name, identity in topics]
    return {"topics": both, "timeoutMs": 30000}


def delete_topics(v):
    t = f"gone-{v}"
    names = [f"{t}-{letter}" for letter in "abcdefgh"]
    for name in names:
        yield from topic(name)
    if v < 6:
        def by_name(*names):
            return {"topicNames": list(names), "timeoutMs": 30000}
    else:
        def by_name(*names):
            return delete(*((name, NO_ID) for name in names))
    yield ask("one by name", by_name(names[0]))
    yield ask("two at a time", by_name(names[1], names[2]))
    yield ask("one by id", delete((None, "@topic3")))
    yield ask("no topics", by_name())
    yield ask("no patience", by_name(names[4]) | {"timeoutMs": 0})
    yield odd("it is gone", by_name(names[0]))
    yield odd("one is gone, one is there", by_name(names[0], names[5]))
    yield odd("it never was", by_name("nobody"))
    yield odd("an id that is gone", delete((None, "@topic3")))
    yield odd("an id that never was", delete((None, NOBODY)))
    yield odd("name and id", delete((names[6], "@topic6")))
    yield odd("neither", delete((None, NO_ID)))
    yield odd("twice", by_name(names[6], names[6]))
    yield odd("by name and by id", delete((names[6], NO_ID), (None, "@topic6")))
    yield odd("no name", by_name(""))
    yield odd("a name that is none", by_name("bad name"))
    yield from bent(by_name(names[7]))
    yield there(names[6])
    yield do("Metadata", 12, metadata_of(names[4], allowAutoTopicCreation=False))


CHAPTERS = {"Metadata": metadata, "CreateTopics": create_topics, "DeleteTopics": delete_topics}
