"""How questions are written down.

Fields that are left out have the schema's default. `@topic0`, `@member1` and the like stand for the first topic, the second member whose ids
the broker told of in this chapter; one that it never told of is made up.
"""

SETTINGS = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "100",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
}

TIME = 1_700_000_000_000
NO_ID = "0" * 32
NOBODY = "@topic99"


def ask(about: str, request, **more) -> dict:
    """Asked of the chapter's API, in its version; `more` as in conversation.rs."""
    return {"about": about, "request": request} | more


def odd(about: str, request, **more) -> dict:
    return ask("odd: " + about, request, **more)


def do(api: str, version: int, request, **more) -> dict:
    """Prepares something."""
    return {"api": api, "version": version, "request": request} | more


def bent(request) -> list[dict]:
    """What is odd about the bytes of any request."""
    return [odd("cut short", request, bent={"cut": 1}), odd("bytes behind it", request, bent={"behind": "more"}),
            odd("a tag that nobody knows", request, bent={"tag": True})]


def topic(name: str, partitions=1, **configs) -> list[dict]:
    """Makes a topic and waits until it is there; from version 5 on the answer would be long."""
    settings = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    body = {"name": name, "numPartitions": partitions, "replicationFactor": 1, "configs": settings}
    return [do("CreateTopics", 4, {"topics": [body], "timeoutMs": 30000}), there(name, partitions), served(name, partitions)]


def there(name: str, partitions=1) -> dict:
    wanted = {"errorCode": 0, "partitions": [{"leaderId": 1}] * partitions}
    return do("Metadata", 12, {"topics": [{"name": name}], "allowAutoTopicCreation": False}, until={"topics": [wanted]})


def served(name: str, partitions=1) -> dict:
    """Waits until the log of each partition is there: Kafka tells of a leader before it leads."""
    asked = [{"partitionIndex": index, "timestamp": -2} for index in range(partitions)]
    return do("ListOffsets", 7, {"replicaId": -1, "topics": [{"name": name, "partitions": asked}]},
              until={"topics": [{"partitions": [{"errorCode": 0}] * partitions}]})


def write(name: str, *batches, partition=0) -> dict:
    data = [{"index": partition, "records": list(batches)}]
    return do("Produce", 12, {"acks": -1, "timeoutMs": 30000, "topicData": [{"name": name, "partitionData": data}]})


def batch(*values: str, **more) -> dict:
    """A recipe, as batches.rs reads it."""
    return {"values": list(values)} | more


# ---- which version has which fields

def within(versions: str | None, version: int) -> bool:
    if versions in (None, "none"):
        return False
    if versions.endswith("+"):
        return version >= int(versions[:-1])
    first, _, last = versions.partition("-")
    return int(first) <= version <= int(last or first)


def fits(schemas: dict, step: dict) -> bool:
    """Whether the version of a step has the fields of its request, and null where it says null."""
    schema = schemas[step["api"] + "Request"]
    common = {struct["name"]: struct["fields"] for struct in schema.get("commonStructs", [])}
    version = step["version"]

    def value_fits(field: dict, value) -> bool:
        if value is None:
            return within(field.get("nullableVersions"), version)
        inner = field.get("fields") or common.get(field["type"].removeprefix("[]"))
        return inner is None or all(fields_fit(inner, one) for one in (value if field["type"].startswith("[]") else [value]))

    def fields_fit(fields: list, values: dict) -> bool:
        known = {field["name"]: field for field in fields if within(field["versions"], version)}
        return all(name in known and value_fits(known[name], value) for name, value in values.items())

    if isinstance(step["request"], str):
        return True
    if step.get("bent", {}).get("tag") and not within(schema["flexibleVersions"], version):
        return False
    return fields_fit(schema["fields"], step["request"])
