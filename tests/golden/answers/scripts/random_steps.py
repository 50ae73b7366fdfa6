"""Random but plausible steps: fields filled from pools by their names, most of them following up on what was answered before.

`@member of g1`, `@generation of g1`, `@latest session` and `@its epoch` stand for what names.rs remembers of earlier answers.
"""

import random

from .shared import NO_ID, SETTINGS, TIME, do, within, topic

TOPICS = ["alpha"] * 4 + ["beta"] * 4 + ["gamma"] * 3 + ["compacted"] * 2 + ["delta", "nosuch", "bad name", "", "a.b", "a_b"]
GROUPS = ["g1", "g1", "g1", "g2", "g2", "g3", "nogroup", ""]
KEYS = ["retention.ms", "cleanup.policy", "max.message.bytes", "compression.type", "segment.bytes", "min.insync.replicas", "no.such.key",
        "message.timestamp.type", "retention.bytes", "log.retention.ms", "background.threads", "consumer.session.timeout.ms"]
VALUES = ["1000000", "delete", "compact", "compact,delete", "lz4", "-1", "0", "abc", "LogAppendTime", "50000", "", "1048588"]
MOST = 2**63 - 1

NUMBERS = {
    "partition": [0, 0, 0, 0, 1, 1, 2, 2, 7, -1], "acks": [-1, 1, -1, 1, -1, 1, 2], "timeout": [3000, 5000, 10_000], "maxWaitMs": [0, 0, 20],
    "minBytes": [0, 1, 1], "maxBytes": [1 << 20, 1 << 16, 100, 0, 1 << 25], "partitionMaxBytes": [1 << 20, 1 << 16, 100, 0, 1 << 25],
    "replicationFactor": [1, 1, 1, -1, 0, 3], "numPartitions": [1, 2, 3, -1, 0, -2], "count": [2, 3, 4, 1, 0], "replicaId": [-1],
    "leaderEpoch": [-1, -1, -1, 0, 0, 1, 5], "sessionEpoch": [0, 0, 0, -1, -1, -1, -1, 1, 1, 2, 3],
    "timestamp": [-1, -2, -3, -4, -5, -6, -9, 0, TIME + 5, TIME + 100_000], "isolationLevel": [0, 1], "keyType": [0, 0, 0, 1, 2, 5],
    "offset": [0, 0, 1, 2, 5, 10, -1, 1000, MOST], "logStartOffset": [-1], "generationId": [-1, -1, 0, 1, 2], "brokerIds": [1, 1, 1, 2, -1],
    "sessionTimeoutMs": [60_000, 60_000, 30_000, 1], "rebalanceTimeoutMs": [150, 150, 300], "transactionTimeoutMs": [60_000, 0, 10**8],
    "resourceType": [2, 2, 2, 4, 8, 32, 16, 3], "configOperation": [0, 0, 0, 1, 2, 3, 7], "responsePartitionLimit": [2000, 1, 0],
    "producerEpoch": [0, 0, 1, -1], "endpointType": [1, 1, 2, 0], "maxVersionLevel": [30, 30, 0, 99], "upgradeType": [1, 1, 2, 3, 0],
}
ALIKE = {
    "partitionIndex": "partition", "partitions": "partition", "partitionIndexes": "partition", "index": "partition", "timeoutMs": "timeout",
    "currentLeaderEpoch": "leaderEpoch", "committedLeaderEpoch": "leaderEpoch", "lastFetchedEpoch": "leaderEpoch", "fetchOffset": "offset",
    "committedOffset": "offset", "generationIdOrMemberEpoch": "generationId", "memberEpoch": "generationId", "resourceTypes": "resourceType",
}
TEXTS = {
    "transactionalId": [None] * 20 + ["tx"], "groupInstanceId": [None] * 4 + ["static1"], "groupId": GROUPS, "groups": GROUPS, "groupsNames": GROUPS,
    "key": GROUPS, "coordinatorKeys": GROUPS, "protocolType": ["consumer"] * 9 + ["other"], "protocolName": ["range"], "resourceName": TOPICS + ["1", "", "2", "g1"] * 3,
    "configurationKeys": KEYS, "statesFilter": ["Stable", "Empty", "stable", "Junk"], "typesFilter": ["classic", "consumer", "junk"],
    "name": TOPICS, "topic": TOPICS, "topicName": TOPICS, "topicNames": TOPICS, "clientSoftwareName": ["golden", "1.0", "-bad-", ""],
    "clientSoftwareVersion": ["golden", "1.0", "-bad-", ""], "feature": ["metadata.version", "no.such.feature"],
}


class Steps:
    def __init__(self, schemas: dict, seed: int):
        self.schemas, self.random, self.time = schemas, random.Random(seed), TIME
        self.topics, self.joined, self.sequences = 4, [], {}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, pool: list):
        return self.random.choice(pool)

    # ---- a request from its schema

    def fields(self, fields: list, version: int, path: tuple) -> dict:
        here = [field for field in fields if within(field["versions"], version) and not within(field.get("taggedVersions"), version)]
        return {field["name"]: self.field(field, version, path) for field in here}

    def field(self, field: dict, version: int, path: tuple):
        kind, name = field["type"], field["name"]
        is_nullable = within(field.get("nullableVersions"), version)
        if not kind.startswith("[]"):
            inner = field.get("fields")
            return None if inner and is_nullable else self.fields(inner, version, path) if inner else self.value(field, kind, is_nullable, path)
        if is_nullable and self.chance(0.12):
            return None
        count = self.pick([1, 1, 1, 2, 0, 3])
        if name in ("assignments", "forgottenTopicsData") and path != ("SyncGroup",) and self.chance(0.8):
            count = 0
        inner, below = self.inner(field), (*path, name)
        return [self.fields(inner, version, below) if inner else self.value(field, kind[2:], False, path) for _ in range(count)]

    def inner(self, field: dict):
        return field.get("fields") or self.common.get(field["type"].removeprefix("[]"))

    def value(self, field: dict, kind: str, is_nullable: bool, path: tuple):
        name = field["name"]
        if kind == "bool":
            return self.chance(0.2 if name == "validateOnly" else 0.5)
        if kind == "uuid":
            return f"@topic{self.random.randrange(self.topics)}" if self.chance(0.93) else self.pick([NO_ID, "@topic99"])
        if kind == "records":
            return [self.batch()] if self.chance(0.97) else ""
        if kind == "bytes":
            return "hex:00000000000100017400000000" if self.chance(0.8) else "bytes"
        if kind == "string":
            if "configs" in path:
                return self.pick(VALUES) if name == "value" and not (is_nullable and self.chance(0.1)) else None if name == "value" else self.pick(KEYS)
            if "protocols" in path and name == "name":
                return self.pick(["range", "roundrobin"])
            if name == "memberId":
                return self.pick(["", "", f"@member of {self.pick(GROUPS)}", "@member0", "nobody"])
            pool = TEXTS.get(name, ["x", "", "meta"])
            text = self.pick(pool) if None not in pool or is_nullable else self.pick([one for one in pool if one is not None])
            return None if is_nullable and None not in pool and self.chance(0.15) else text
        if name == "producerId":
            return self.pick([f"@producer{self.random.randrange(3)}"] * 3 + [-1, -1, 77])
        if name == "sessionId":
            return 0 if self.chance(0.75) else "@latest session"
        return self.pick(NUMBERS.get(ALIKE.get(name, name), [0, 1, -1, 5]))

    def batch(self) -> dict:
        self.time += 10
        recipe = {"codec": self.random.randrange(5), "count": self.pick([1, 2, 3, 10]), "size": self.pick([0, 10, 100, 3000]), "time": self.time}
        if self.chance(0.3):
            recipe["key"] = None
        if self.chance(0.3):
            recipe |= {"producer": f"@producer{self.random.randrange(3)}", "epoch": self.pick([0, 0, 0, 1]), "sequence": self.pick([0, 0, 1, 2, 3, 10])}
        if self.chance(0.1):
            recipe |= self.pick([{"damage": 1}, {"baseOffset": 5}, {"claimed": recipe["count"] + 1}, {"magic": 1}, {"attributes": 32},
                                 {"lastOffsetDelta": recipe["count"] + 2}, {"cut": 3}, {"attributes": 8}])
        return recipe

    # ---- what follows up on earlier answers

    def follow_up(self, api: str, body: dict):
        if api in ("JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "OffsetCommit") and self.joined and self.chance(0.65):
            group = self.pick(self.joined)
            body |= {"groupId": group} | ({"memberId": f"@member of {group}"} if "memberId" in body else {})
            for name in {"generationId", "generationIdOrMemberEpoch"} & body.keys():
                if self.chance(0.85):
                    body[name] = f"@generation of {group}"
            body |= {"groupInstanceId": None} if "groupInstanceId" in body else {}
            body |= {"protocolType": "consumer"} if "protocolType" in body else {}
            if body.get("members") and self.chance(0.3):
                body["members"][0] |= {"memberId": f"@member of {group}"} | ({"groupInstanceId": None} if "groupInstanceId" in body["members"][0] else {})
            if api == "JoinGroup":
                body |= {"sessionTimeoutMs": 60_000, "protocols": body["protocols"] or [{"name": "range", "metadata": "m"}]}
        if api == "JoinGroup" and body["groupId"] and body["groupId"] not in self.joined:
            self.joined.append(body["groupId"])
        if api == "Fetch" and "sessionId" in body and self.chance(0.4):
            body |= {"sessionId": "@latest session", "sessionEpoch": "@its epoch" if self.chance(0.85) else 7}
        if api == "InitProducerId" and self.chance(0.7):
            body |= {name: -1 for name in ("producerId", "producerEpoch") if name in body}
        if api == "Produce":
            self.go_on(body)

    def go_on(self, body: dict):
        """The next sequence of a producer, most of the time."""
        for asked in body["topicData"]:
            for part in asked["partitionData"]:
                for recipe in part["records"] or []:
                    if "producer" not in recipe or not self.chance(0.75):
                        continue
                    key = (recipe["producer"], recipe["epoch"], asked.get("name") or asked.get("topicId"), part["index"])
                    recipe["sequence"] = self.sequences.get(key, 0)
                    if len(recipe) == 8 - ("key" not in recipe):
                        self.sequences[key] = recipe["sequence"] + recipe["count"]

    def step(self, api: str) -> dict:
        schema = self.schemas[api + "Request"]
        self.common = {struct["name"]: struct["fields"] for struct in schema.get("commonStructs", [])}
        first, _, last = schema["validVersions"].partition("-")
        # JoinGroup 0 waits for others as long as a session lasts.
        first, last = max(int(first), api == "JoinGroup"), int(last or first)
        version = last if self.chance(0.35) else self.random.randint(first, last)
        body = self.fields(schema["fields"], version, ())
        self.follow_up(api, body)
        if api == "AlterConfigs":
            # Kafka never answers if a resource stands there twice.
            body["resources"] = list({(one["resourceType"], one["resourceName"]): one for one in body["resources"]}.values())
        return do(api, version, body)


# What they do goes on in the background for a while.
SETTLING = {"CreateTopics", "DeleteTopics", "CreatePartitions", "AlterConfigs", "IncrementalAlterConfigs"}


def steps(schemas: dict, seed: int, count: int, weights: dict):
    """Topics to begin with, then `count` random steps of these APIs."""
    made = Steps(schemas, seed)
    for name in ("alpha", "beta", "gamma"):
        yield from topic(name, 3)
    yield from topic("compacted", cleanup_policy="compact")
    yield do("FindCoordinator", 4, {"keyType": 0, "coordinatorKeys": ["g1"]}, until={"coordinators": [{"errorCode": 0}]})
    yield do("OffsetFetch", 7, {"groupId": "g1", "topics": None}, until={"errorCode": 0})
    yield do("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 1000}, until={"errorCode": 0})
    apis = list(weights)
    for number, api in enumerate(made.random.choices(apis, [weights[api] for api in apis], k=count)):
        yield made.step(api) | {"about": f"random {number}."} | ({"settles": True} if api in SETTLING else {})


LOG = {"Produce": 14, "Fetch": 14, "Metadata": 6, "ListOffsets": 6, "CreateTopics": 4, "DeleteTopics": 1, "InitProducerId": 2, "ApiVersions": 1,
       "OffsetForLeaderEpoch": 2, "DescribeCluster": 1, "CreatePartitions": 2, "DeleteRecords": 2, "DescribeTopicPartitions": 2,
       "DescribeProducers": 2, "DescribeLogDirs": 1}
GROUP = {"FindCoordinator": 2, "JoinGroup": 5, "SyncGroup": 5, "Heartbeat": 3, "LeaveGroup": 1, "OffsetCommit": 6, "OffsetFetch": 6, "OffsetDelete": 2,
         "DescribeGroups": 2, "ListGroups": 2, "DeleteGroups": 1, "CreateTopics": 1}
CONFIG = {"DescribeConfigs": 4, "AlterConfigs": 2, "IncrementalAlterConfigs": 5, "ListConfigResources": 1, "CreateTopics": 2, "Metadata": 1}

# A topic that is made on first use is there when it is there.
QUIET = SETTINGS | {"auto.create.topics.enable": "false"}
COUNT = 2000

FAMILIES = {
    "random_log": {"about": "random: topics and their records", "settings": QUIET, "seed": 1, "weights": LOG},
    "random_groups": {"about": "random: groups", "settings": QUIET, "seed": 2, "weights": GROUP},
    "random_configs": {"about": "random: settings", "settings": QUIET, "seed": 3, "weights": CONFIG},
}
