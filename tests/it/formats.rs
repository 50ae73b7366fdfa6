//! Data directories of earlier steps open in every later build (tests/golden/data-N/README.md).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use klamm::disk::RealDisk;
use klamm::record::{Batches, OutputBudget, Records};

use crate::world::requests::{Topic, metadata_of};
use crate::world::{Client, Setup};

/// Steps of the format: one folder each under tests/golden.
const STEPS: [u32; 1] = [1];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn data_of_every_step_opens_after_a_clean_stop_and_after_a_kill() {
    for step in STEPS {
        for end in ["clean", "killed"] {
            let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/data-{step}/{end}"));
            let directory = tempfile::tempdir().unwrap();
            copy(&golden, directory.path());
            opens(directory.path()).await;
        }
    }
}

async fn opens(directory: &Path) {
    let mut setup = Setup::new().with("log.dirs", directory.to_str().unwrap());
    setup.real_disk = Some(Arc::new(RealDisk));
    // Twice: what the first start writes, the second one reads.
    for round in 0..2 {
        let running = setup.start().await;
        let mut client = running.client().await;
        let metadata = client.call(12, &metadata_of(&["plain", "small"])).await;
        let topics: Vec<Topic> = metadata
            .topics
            .iter()
            .map(|topic| Topic { name: topic.name.as_ref().unwrap().to_string(), id: topic.topic_id })
            .collect();
        assert_eq!(metadata.topics.iter().map(|topic| topic.partitions.len()).collect::<Vec<_>>(), [2, 1]);
        for partition in 0..2 {
            let values = values(&mut client, &topics[0], partition).await;
            let expected = ["none", "gzip", "lz4"].iter().flat_map(|codec| {
                (0..20).filter(move |number| number % 2 == partition).map(move |number| format!("{codec} value {number}"))
            });
            assert_eq!(values, expected.collect::<Vec<_>>());
        }
        assert_eq!(client.offset(&topics[1], 0, -1).await, 10 + round);
        assert_eq!(client.produce(&topics[1], 0, &["one more"]).await.base_offset, 10 + round);
        running.stop().await.unwrap();
    }
}

/// All values of a partition, in order.
async fn values(client: &mut Client, topic: &Topic, partition: i32) -> Vec<String> {
    let end = client.offset(topic, partition, -1).await;
    let (mut values, mut next) = (Vec::new(), 0);
    while next < end {
        let bytes = client.fetch(topic, partition, next).await.records.unwrap();
        for batch in Batches::new(&bytes) {
            let (header, range) = batch.unwrap();
            // Packed batches too, which the client's own codec cannot read.
            let records = Records::read(&bytes[range], OutputBudget(1 << 20)).unwrap();
            values.extend(records.iter().map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
            next = header.last_offset().next().0;
        }
    }
    values
}
