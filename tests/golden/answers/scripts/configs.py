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


CHAPTERS = {"DescribeConfigs": describe_configs}
