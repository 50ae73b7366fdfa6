"""The broker and the cluster: what can be asked of them, who they are."""

from .shared import ask, batch, bent, odd, topic, write

CLIENT = {"clientSoftwareName": "golden", "clientSoftwareVersion": "1.0"}


def odd_partitions(mine, t: str) -> list[dict]:
    """What can be odd about a list of partitions of topics, of which `t` has two."""
    return [odd("no partitions", mine((t,))), odd("a topic that is not there", mine(("nobody", 0))),
            odd("a topic of no name", mine(("", 0))), odd("a partition that is not there", mine((t, 2))),
            odd("a partition below 0", mine((t, -1))), odd("the partition twice", mine((t, 0, 0))),
            odd("the topic twice", mine((t, 0), (t, 1)))]


def api_versions(v):
    body = CLIENT if v >= 3 else {}
    yield ask("what a client says first", body)
    yield ask("and once more", body)
    yield ask("over a connection of its own", body, by="b")
    yield odd("a version of the future, answered in version 0", body, version=99)
    yield odd("a version below the first", body, version=-1)
    yield from bent(body)
    yield odd("no bytes at all", "")
    yield odd("a name that is none", CLIENT | {"clientSoftwareName": "-bad-"})
    yield odd("no name", CLIENT | {"clientSoftwareName": ""})
    yield odd("a version with a space", CLIENT | {"clientSoftwareVersion": "1 0"})
    yield odd("a name of any length", CLIENT | {"clientSoftwareName": "n" * 1000})
    yield odd("cut in the middle of its name", "hex:0767")
    yield odd("a name that is longer than the request", "hex:ffffffff07")
    yield odd("bytes instead of fields", "hex:ffff")


def describe_cluster(v):
    yield ask("the brokers", {})
    yield ask("with what may be done", {"includeClusterAuthorizedOperations": True})
    yield ask("without what may be done", {"includeClusterAuthorizedOperations": False})
    yield ask("fenced ones too", {"includeFencedBrokers": True})
    yield odd("controllers, of a broker", {"endpointType": 2})
    yield odd("controllers, and what may be done", {"endpointType": 2, "includeClusterAuthorizedOperations": True})
    yield odd("endpoints of no kind", {"endpointType": 9})
    yield odd("endpoints of kind 0", {"endpointType": 0})
    yield odd("endpoints of a negative kind", {"endpointType": -1})
    yield from bent({})
    yield odd("no bytes at all", "")
    yield odd("a truth of 2", "hex:0200" if v == 0 else "hex:020100" if v == 1 else "hex:02010000")
    yield odd("a count of tags without tags", "hex:0005" if v == 0 else "hex:000105" if v == 1 else "hex:00010005")


def describe_log_dirs(v):
    t = f"dirs-{v}"
    yield from topic(t, 2)
    yield from topic(f"{t}-b")
    yield write(t, batch("a", "b"))
    yield write(t, batch("c" * 500), partition=1)

    def mine(*topics) -> dict:
        return {"topics": [{"topic": name, "partitions": list(partitions)} for name, *partitions in topics]}

    yield ask("one partition", mine((t, 0)))
    yield ask("two partitions", mine((t, 0, 1)))
    yield ask("two topics", mine((t, 0), (f"{t}-b", 0)))
    yield ask("all", {"topics": None})
    yield ask("no topics", mine())
    yield from odd_partitions(mine, t)
    yield odd("the log of metadata", mine(("__cluster_metadata", 0)))
    yield from bent(mine((t, 0)))


def describe_quorum(v):
    def mine(*indexes, name="__cluster_metadata") -> dict:
        return {"topics": [{"topicName": name, "partitions": [{"partitionIndex": index} for index in indexes]}]}

    yield ask("the quorum", mine(0))
    yield ask("and once more", mine(0))
    yield ask("over a connection of its own", mine(0), by="b")
    yield odd("a partition that is not there", mine(1))
    yield odd("a partition below 0", mine(-1))
    yield odd("another topic", mine(0, name="nobody"))
    yield odd("a topic of no name", mine(0, name=""))
    yield odd("no topics", {"topics": []})
    yield odd("no partitions", mine())
    yield odd("the partition twice", mine(0, 0))
    yield odd("the topic twice", {"topics": mine(0)["topics"] * 2})
    yield odd("another topic beside it", {"topics": mine(0)["topics"] + mine(0, name="nobody")["topics"]})
    yield from bent(mine(0))


UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE = 1, 2, 3


def update_features(v):
    def mine(*updates, **more) -> dict:
        kinds = {"upgradeType": UPGRADE} if v >= 1 else {"allowDowngrade": False}
        return {"featureUpdates": [{"feature": name, "maxVersionLevel": level} | kinds | rest
                                   for name, level, rest in (one if len(one) == 3 else (*one, {}) for one in updates)]} | more

    down = {"allowDowngrade": True} if v == 0 else {"upgradeType": SAFE_DOWNGRADE}
    yield ask("what it is", mine(("metadata.version", 30)))
    yield ask("what it is, and that is only asked", mine(("metadata.version", 30), validateOnly=True))
    yield ask("what it is, once more", mine(("metadata.version", 30)) | {"timeoutMs": 20_000})
    yield ask("what it is, without waiting long", mine(("metadata.version", 30)) | {"timeoutMs": 5_000})
    yield odd("no features", mine())
    yield odd("a feature that nobody knows", mine(("no.such.feature", 1)))
    yield odd("a feature of no name", mine(("", 1)))
    yield odd("a level that nobody knows", mine(("metadata.version", 99)))
    yield odd("a level that nobody knows, and that is only asked", mine(("metadata.version", 99), validateOnly=True))
    yield odd("no level", mine(("metadata.version", 0)))
    yield odd("no level, downwards", mine(("metadata.version", 0, down)))
    yield odd("a level below 0", mine(("metadata.version", -1)))
    yield odd("downwards, as if it were upwards", mine(("metadata.version", 29)))
    yield odd("twice the same", mine(("metadata.version", 30), ("metadata.version", 30)))
    yield odd("one that is fine beside one that is not", mine(("metadata.version", 30), ("no.such.feature", 1)))
    yield odd("a way that nobody knows", mine(("metadata.version", 30, {"upgradeType": 9})))
    yield odd("no way", mine(("metadata.version", 30, {"upgradeType": 0})))
    yield odd("upwards, as if it were downwards", mine(("metadata.version", 30, down)))
    yield odd("no patience", mine(("metadata.version", 30)) | {"timeoutMs": 0})
    yield from bent(mine(("metadata.version", 30)))


PREFERRED, UNCLEAN = 0, 1


def elect_leaders(v):
    t = f"elected-{v}"
    yield from topic(t, 2)

    def mine(*topics, kind=PREFERRED) -> dict:
        named = [{"topic": name, "partitions": list(partitions)} for name, *partitions in topics]
        return {"topicPartitions": named, "timeoutMs": 30000} | ({"electionType": kind} if v >= 1 else {})

    yield ask("the one that leads", mine((t, 0)))
    yield ask("two partitions", mine((t, 0, 1)))
    yield ask("no topics", mine())
    yield ask("all", mine() | {"topicPartitions": None})
    yield ask("unclean, of what has a leader", mine((t, 0), kind=UNCLEAN))
    yield odd("no partitions", mine((t,)))
    yield odd("a topic that is not there", mine(("nobody", 0)))
    yield odd("a topic of no name", mine(("", 0)))
    yield odd("a partition that is not there", mine((t, 2)))
    yield odd("a partition below 0", mine((t, -1)))
    yield odd("one is there, one is not", mine((t, 0, 2), ("nobody", 0)))
    yield odd("the partition twice", mine((t, 0, 0)))
    yield odd("the topic twice", mine((t, 0), (t, 1)))
    yield odd("a kind that nobody knows", mine((t, 0), kind=2))
    yield odd("a kind below 0", mine((t, 0), kind=-1))
    yield odd("no patience", mine((t, 0)) | {"timeoutMs": 0})
    yield from bent(mine((t, 0)))


def list_partition_reassignments(v):
    t = f"moved-{v}"
    yield from topic(t, 2)

    def mine(*topics) -> dict:
        return {"topics": [{"name": name, "partitionIndexes": list(indexes)} for name, *indexes in topics], "timeoutMs": 30000}

    yield ask("all", {"topics": None, "timeoutMs": 30000})
    yield ask("one partition", mine((t, 0)))
    yield ask("two partitions", mine((t, 0, 1)))
    yield odd("no topics", mine())
    yield from odd_partitions(mine, t)
    yield odd("no patience", mine((t, 0)) | {"timeoutMs": 0})
    yield from bent(mine((t, 0)))


CHAPTERS = {
    "DescribeLogDirs": describe_log_dirs, "ApiVersions": api_versions, "DescribeCluster": describe_cluster, "DescribeQuorum": describe_quorum,
    "UpdateFeatures": update_features, "ElectLeaders": elect_leaders, "ListPartitionReassignments": list_partition_reassignments,
}
