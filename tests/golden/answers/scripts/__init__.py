"""What is asked: recordings of chapters, a chapter for each version of an API, each in a world of names of its own."""

from . import admin, cluster, configs, groups, random_steps, records, topics
from .shared import SETTINGS, fits

RECORDINGS = {
    "cluster": {"about": "the broker and the cluster", "settings": SETTINGS, "chapters": cluster.CHAPTERS},
    "topics": {"about": "topics as such", "settings": SETTINGS, "chapters": topics.CHAPTERS},
    "admin": {"about": "partitions, their records and their producers", "settings": SETTINGS, "chapters": admin.CHAPTERS},
    "records": {"about": "writing and reading", "settings": SETTINGS, "chapters": records.CHAPTERS},
    "groups": {"about": "groups and their offsets", "settings": SETTINGS, "chapters": groups.CHAPTERS},
    "configs": {"about": "settings", "settings": SETTINGS, "chapters": configs.CHAPTERS},
}

APIS = {api for recording in RECORDINGS.values() for api in recording["chapters"]}
RECORDINGS |= random_steps.FAMILIES


def chapters(recording: dict, schemas: dict):
    """A name and the steps for each version of each API. A question that a version has no fields for is left out in it."""
    if "seed" in recording:
        steps = random_steps.steps(schemas, recording["seed"], random_steps.COUNT, recording["weights"])
        yield "random", [step | {"answer": None} for step in steps]
        return
    for api, chapter in recording["chapters"].items():
        first, _, last = schemas[api + "Request"]["validVersions"].partition("-")
        abouts, fitting = set(), set()
        for version in range(int(first), int(last or first) + 1):
            steps = []
            for step in chapter(version):
                step = {"api": api, "version": version} | step
                if "about" in step:
                    if "bent" not in step:
                        abouts.add(step["about"])
                    if not fits(schemas, step):
                        continue
                    fitting.add(step["about"])
                else:
                    assert fits(schemas, step), f"no version {step['version']} of {step['api']} has these fields: {step}"
                steps.append(step | {"answer": None})
            yield f"{api} {version}", steps
        assert abouts <= fitting, f"{api}: no version has the fields of {abouts - fitting}"
