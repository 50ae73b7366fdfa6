"""The broker and the cluster: what can be asked of them, who they are."""

from .shared import ask, bent, odd

CLIENT = {"clientSoftwareName": "golden", "clientSoftwareVersion": "1.0"}


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


CHAPTERS = {"ApiVersions": api_versions, "DescribeCluster": describe_cluster}
