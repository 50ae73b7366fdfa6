"""Settings of topics, brokers and groups."""

from .shared import ask, bent, do, odd, topic

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32


def resource(kind: int, name: str, keys=None) -> dict:
    return {"resourceType": kind, "resourceName": name, "configurationKeys": keys}


def describe_configs(v):
    t = f"described-{v}"
    yield from topic(t, retention_ms="1000", cleanup_policy="compact")

    def mine(*resources, **more):
        return {"resources": list(resources)} | more

    yield ask("some of a topic", mine(resource(TOPIC, t, ["retention.ms", "cleanup.policy", "segment.bytes"])))
    yield ask("all of a topic", mine(resource(TOPIC, t)))
    yield ask("where they come from", mine(resource(TOPIC, t, ["retention.ms", "segment.bytes", "compression.type"]), includeSynonyms=True))
    yield ask("with what they mean", mine(resource(TOPIC, t, ["retention.ms"]), includeDocumentation=True))
    yield ask("some of the broker", mine(resource(BROKER, "1", ["log.retention.hours", "message.max.bytes", "log.cleaner.threads"]), includeSynonyms=True))
    yield ask("what was set for all brokers", mine(resource(BROKER, "")))
    yield ask("two resources", mine(resource(TOPIC, t, ["retention.ms"]), resource(BROKER, "1", ["num.partitions"])))
    yield ask("those of a group", mine(resource(GROUP, f"g-{v}")))
    yield odd("of no keys", mine(resource(TOPIC, t, [])))
    yield odd("a topic that is not there", mine(resource(TOPIC, "nobody")))
    yield odd("a topic whose name is none", mine(resource(TOPIC, "bad name")))
    yield odd("a topic of no name", mine(resource(TOPIC, "")))
    yield odd("another broker", mine(resource(BROKER, "9")))
    yield odd("a broker whose id is none", mine(resource(BROKER, "one")))
    yield odd("a broker below 0", mine(resource(BROKER, "-1")))
    yield odd("a key that nobody knows", mine(resource(TOPIC, t, ["no.such.key"])))
    yield odd("a key twice", mine(resource(TOPIC, t, ["retention.ms", "retention.ms"])))
    yield odd("a kind of thing that nobody knows", mine(resource(3, t)))
    yield odd("a kind of thing below 0", mine(resource(-1, t)))
    yield odd("the resource twice", mine(resource(TOPIC, t, ["retention.ms"]), resource(TOPIC, t, ["segment.bytes"])))
    yield odd("a group of no name", mine(resource(GROUP, "")))
    yield odd("metrics of a client that nobody knows", mine(resource(METRICS, "nobody")))
    yield odd("metrics of no name", mine(resource(METRICS, "")))
    yield odd("loggers of another broker", mine(resource(LOGGER, "9")))
    yield odd("nothing", mine())
    yield from bent(mine(resource(TOPIC, t, ["retention.ms"])))


DYNAMIC_BROKER, DYNAMIC_DEFAULT, DEFAULT = 2, 3, 5


def seen(kind: int, name: str, *keys: str, until=None) -> dict:
    """What there is after a change; of a broker it is asked until the value is as it should be, since brokers hear of it in the background."""
    until = until and {"results": [{"configs": [dict(zip(("configSource", "value"), until))]}]}
    return do("DescribeConfigs", 4, {"resources": [resource(kind, name, list(keys))], "includeSynonyms": True}, until=until)


def alter_configs(v):
    t = f"altered-{v}"
    yield from topic(t, retention_ms="1000", cleanup_policy="compact")

    def mine(*resources, **more):
        return {"resources": [{"resourceType": kind, "resourceName": name, "configs": [{"name": key, "value": value} for key, value in configs]}
                              for kind, name, *configs in resources]} | more

    everything = ("retention.ms", "cleanup.policy", "segment.bytes")
    yield ask("one of a topic, and none of the others", mine((TOPIC, t, ("segment.bytes", "1048576"))))
    yield seen(TOPIC, t, *everything)
    yield ask("only asked whether it could be", mine((TOPIC, t, ("retention.ms", "5")), validateOnly=True))
    yield ask("none of a topic", mine((TOPIC, t)))
    yield seen(TOPIC, t, *everything)
    yield ask("of this broker", mine((BROKER, "1", ("log.cleaner.threads", "2"))))
    yield seen(BROKER, "1", "log.cleaner.threads", until=(DYNAMIC_BROKER, "2"))
    shared = ("min.insync.replicas", "1")
    yield ask("of all brokers", mine((BROKER, "", shared, ("log.segment.bytes", "123456789"))))
    yield seen(BROKER, "1", "log.segment.bytes", until=(DYNAMIC_DEFAULT, "123456789"))
    yield ask("none of this broker", mine((BROKER, "1")))
    yield ask("none of all brokers but the one that they share", mine((BROKER, "", shared)))
    yield seen(BROKER, "1", "log.cleaner.threads", until=(DEFAULT, "1"))
    yield seen(BROKER, "1", "log.segment.bytes", until=(DEFAULT, "1073741824"))
    yield ask("two topics, one of which is not there", mine((TOPIC, t), (TOPIC, "nobody")))
    yield ask("nothing", mine())
    yield odd("not even the one that they share", mine((BROKER, "")))
    yield odd("one that all share, of one broker", mine((BROKER, "1", shared)))
    yield odd("a topic that is not there", mine((TOPIC, "nobody", ("retention.ms", "5"))))
    yield odd("a topic of no name", mine((TOPIC, "", ("retention.ms", "5"))))
    yield odd("a name that is none", mine((TOPIC, "bad name", ("retention.ms", "5"))))
    yield odd("a key that nobody knows", mine((TOPIC, t, ("no.such.key", "5"))))
    yield odd("a value out of bounds", mine((TOPIC, t, ("segment.bytes", "1"))))
    yield odd("a value that is no number", mine((TOPIC, t, ("retention.ms", "soon"))))
    yield odd("a value that is null", mine((TOPIC, t, ("retention.ms", None))))
    yield odd("a key twice", mine((TOPIC, t, ("retention.ms", "5"), ("retention.ms", "6"))))
    yield odd("another broker", mine((BROKER, "9", ("log.cleaner.threads", "2"))))
    yield odd("a broker whose id is none", mine((BROKER, "one", ("log.cleaner.threads", "2"))))
    yield odd("a broker's key that cannot change", mine((BROKER, "1", ("broker.rack", "r"))))
    yield odd("a broker's key that nobody knows", mine((BROKER, "1", ("no.such.key", "5"))), bent={"cut": 1})
    yield odd("a broker's value that is no number", mine((BROKER, "1", ("log.cleaner.threads", "many"))))
    yield odd("all brokers' key that is one broker's", mine((BROKER, "", ("listeners", "PLAINTEXT://x:1"))))
    yield odd("a logger", mine((LOGGER, "1", ("kafka", "INFO"))))
    yield odd("a kind of thing that nobody knows", mine((3, t, ("a", "b"))))
    yield odd("a group of no name", mine((GROUP, "", ("consumer.session.timeout.ms", "50000"))))
    yield odd("a group's key that nobody knows", mine((GROUP, f"g-{v}", ("no.such.key", "5"))))
    yield ask("of a group", mine((GROUP, f"g-{v}", ("consumer.session.timeout.ms", "50000"))))
    yield seen(GROUP, f"g-{v}", "consumer.session.timeout.ms")
    yield from bent(mine((TOPIC, t)))


SET, DELETE, APPEND, SUBTRACT = range(4)


def incremental_alter_configs(v):
    t = f"changed-{v}"
    yield from topic(t, retention_ms="1000", cleanup_policy="compact")

    def mine(*resources, **more):
        return {"resources": [{"resourceType": kind, "resourceName": name, "configs": [
            {"name": key, "configOperation": operation, "value": value} for key, operation, value in configs]}
            for kind, name, *configs in resources]} | more

    def topical(*configs, **more):
        return mine((TOPIC, t, *configs), **more)

    everything = ("retention.ms", "cleanup.policy", "segment.bytes")
    yield ask("one of a topic", topical(("segment.bytes", SET, "1048576")))
    yield ask("another one", topical(("retention.ms", SET, "5000")))
    yield seen(TOPIC, t, *everything)
    yield ask("one less", topical(("retention.ms", DELETE, None)))
    yield ask("one more in a list", topical(("cleanup.policy", APPEND, "delete")))
    yield seen(TOPIC, t, *everything)
    yield ask("one less in a list", topical(("cleanup.policy", SUBTRACT, "compact")))
    yield seen(TOPIC, t, *everything)
    yield ask("what is in a list already", topical(("cleanup.policy", APPEND, "delete")))
    yield ask("what is not in a list", topical(("cleanup.policy", SUBTRACT, "compact")))
    yield ask("only asked whether it could be", topical(("retention.ms", SET, "7"), validateOnly=True))
    yield ask("of this broker", mine((BROKER, "1", ("log.cleaner.threads", SET, "2"))))
    yield ask("of all brokers", mine((BROKER, "", ("log.segment.bytes", SET, "123456789"))))
    yield seen(BROKER, "1", "log.cleaner.threads", until=(DYNAMIC_BROKER, "2"))
    yield seen(BROKER, "1", "log.segment.bytes", until=(DYNAMIC_DEFAULT, "123456789"))
    yield ask("back again", mine((BROKER, "1", ("log.cleaner.threads", DELETE, None)), (BROKER, "", ("log.segment.bytes", DELETE, ""))))
    yield seen(BROKER, "1", "log.cleaner.threads", until=(DEFAULT, "1"))
    yield seen(BROKER, "1", "log.segment.bytes", until=(DEFAULT, "1073741824"))
    yield ask("no settings", topical())
    yield ask("nothing", mine())
    yield odd("less of what is not set", topical(("flush.ms", DELETE, None)))
    yield odd("an operation that nobody knows", topical(("retention.ms", 7, "5")))
    yield odd("an operation below 0", topical(("retention.ms", -1, "5")))
    yield odd("more of what is no list", topical(("retention.ms", APPEND, "5")))
    yield odd("less of what is no list", topical(("retention.ms", SUBTRACT, "5")))
    yield odd("null for a value", topical(("retention.ms", SET, None)))
    yield odd("nothing for a value", topical(("retention.ms", SET, "")))
    yield odd("nothing in a list", topical(("cleanup.policy", SET, "")))
    yield odd("one that all share, taken away", mine((BROKER, "", ("min.insync.replicas", DELETE, None))))
    yield odd("one that all share, of one broker", mine((BROKER, "1", ("min.insync.replicas", SET, "1"))))
    yield odd("a topic that is not there", mine((TOPIC, "nobody", ("retention.ms", SET, "5"))))
    yield odd("a topic of no name", mine((TOPIC, "", ("retention.ms", SET, "5"))))
    yield odd("a name that is none", mine((TOPIC, "bad name", ("retention.ms", SET, "5"))))
    yield odd("a key that nobody knows", topical(("no.such.key", SET, "5")))
    yield odd("less of a key that nobody knows", topical(("no.such.key", DELETE, None)))
    yield odd("a value out of bounds", topical(("segment.bytes", SET, "1")))
    yield odd("a value that is no number", topical(("retention.ms", SET, "soon")))
    yield odd("two of which one is wrong", topical(("retention.ms", SET, "9"), ("segment.bytes", SET, "1")))
    yield odd("a key twice", topical(("retention.ms", SET, "5"), ("retention.ms", SET, "6")))
    yield odd("the resource twice", mine((TOPIC, t, ("retention.ms", SET, "5")), (TOPIC, t, ("segment.bytes", SET, "1048576"))))
    yield odd("another broker", mine((BROKER, "9", ("log.cleaner.threads", SET, "2"))))
    yield odd("a broker whose id is none", mine((BROKER, "one", ("log.cleaner.threads", SET, "2"))))
    yield odd("a broker's key that cannot change", mine((BROKER, "1", ("broker.rack", SET, "r"))))
    yield odd("a broker's value that is no number", mine((BROKER, "1", ("log.cleaner.threads", SET, "many"))))
    yield odd("all brokers' key that is one broker's", mine((BROKER, "", ("listeners", SET, "PLAINTEXT://x:1"))))
    yield odd("a kind of thing that nobody knows", mine((3, t, ("a", SET, "b"))))
    yield odd("loggers of another broker", mine((LOGGER, "9", ("kafka", SET, "INFO"))))
    yield odd("a group of no name", mine((GROUP, "", ("consumer.session.timeout.ms", SET, "50000"))))
    yield odd("a group's key that nobody knows", mine((GROUP, f"g-{v}", ("no.such.key", SET, "5"))))
    yield odd("a group's value that is too small", mine((GROUP, f"g-{v}", ("consumer.session.timeout.ms", SET, "1"))))
    yield ask("of a group", mine((GROUP, f"i-{v}", ("consumer.session.timeout.ms", SET, "50000"))))
    yield seen(GROUP, f"i-{v}", "consumer.session.timeout.ms")
    yield ask("back again, of a group", mine((GROUP, f"i-{v}", ("consumer.session.timeout.ms", DELETE, None))))
    yield odd("metrics of a client", mine((METRICS, f"m-{v}", ("interval.ms", SET, "5000"))))
    yield odd("metrics with a key that nobody knows", mine((METRICS, f"m-{v}", ("no.such.key", SET, "5000"))))
    yield from bent(topical())
    yield seen(TOPIC, t, *everything)


def list_config_resources(v):
    t = f"set-{v}"
    yield from topic(t, retention_ms="1000")

    def mine(*kinds):
        return {"resourceTypes": list(kinds)} if v >= 1 else {}

    yield ask("all", mine())
    yield ask("topics", mine(TOPIC))
    yield ask("brokers and loggers", mine(BROKER, LOGGER))
    yield ask("groups and metrics", mine(GROUP, METRICS))
    yield odd("a kind that nobody knows", mine(3))
    yield odd("a kind below 0", mine(-1))
    yield odd("no kind", mine(0))
    yield odd("a kind that nobody knows beside one that is known", mine(TOPIC, 3))
    yield odd("twice the same", mine(TOPIC, TOPIC))
    yield from bent(mine())
    yield odd("no bytes at all", "")
    yield odd("a list that is longer than the request", "hex:ffffff07")


CHAPTERS = {
    "ListConfigResources": list_config_resources, "DescribeConfigs": describe_configs, "AlterConfigs": alter_configs,
    "IncrementalAlterConfigs": incremental_alter_configs,
}
