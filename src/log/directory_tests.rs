#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::disk::SimulatedDisk;
use crate::log::tests::test_disk::TestDisk;
use crate::types::Offset;

const DATA: &str = "/data";

fn with(name: &str, text: &str) -> SimulatedDisk {
    let disk = SimulatedDisk::new(0);
    disk.put(&Path::new(DATA).join(name), text.as_bytes());
    disk
}

#[test]
fn meta_properties_go_round_and_kafkas_are_read() {
    let disk = SimulatedDisk::new(0);
    disk.create_directory(Path::new(DATA)).unwrap();
    assert_eq!(read_meta_properties(&disk, Path::new(DATA)).unwrap(), None);
    let properties = MetaProperties {
        cluster_id: ClusterId("4L6g3nShT-eMCtK--X86sw".into()),
        node_id: NodeId(3),
        directory_id: Some("AAAAAAAAAAAAAAAAAAAAAQ".parse().unwrap()),
    };
    write_meta_properties(&disk, Path::new(DATA), &properties).unwrap();
    assert_eq!(read_meta_properties(&disk, Path::new(DATA)).unwrap(), Some(properties));

    let kafka = "#\n#Tue Nov 24 08:00:00 UTC 2026\nnode.id=1\ndirectory.id=hWHU8eGsKdPV-ZUn1ljFRg\nversion=1\ncluster.id=c\\:1\n";
    let found = read_meta_properties(&with(META_PROPERTIES, kafka), Path::new(DATA)).unwrap().unwrap();
    assert_eq!((found.node_id, &*found.cluster_id.0), (NodeId(1), "c:1"));
    let old = "version=0\nbroker.id=7\ncluster.id=x\n";
    let found = read_meta_properties(&with(META_PROPERTIES, old), Path::new(DATA)).unwrap().unwrap();
    assert_eq!((found.node_id, found.directory_id), (NodeId(7), None));
}

#[test]
fn a_wrong_meta_properties_is_named_with_its_path() {
    for (text, problem) in [
        ("version=2\nnode.id=1\ncluster.id=x\n", "version=2 is not known"),
        ("version=1\ncluster.id=x\n", "node.id is missing"),
        ("version=1\nnode.id=one\ncluster.id=x\n", "node.id=one is not a number"),
        ("version=1\nnode.id=1\n", "cluster.id is missing"),
        ("version=1\nnode.id=1\ncluster.id=x\ndirectory.id=short\n", "directory.id=short"),
        ("version=1\nnode.id=1\ncluster.id=x\nklamm.format=2\n", "klamm.format=2 is newer"),
        ("", "version is missing"),
    ] {
        let error = read_meta_properties(&with(META_PROPERTIES, text), Path::new(DATA)).unwrap_err().to_string();
        assert!(error.contains("/data/meta.properties") && error.contains(problem), "{error}");
    }
    let found = MetaProperties { cluster_id: ClusterId("a".into()), node_id: NodeId(1), directory_id: None };
    let check = |cluster: &str, node| check_owner(Path::new(DATA), &found, &ClusterId(cluster.into()), NodeId(node));
    check("a", 1).unwrap();
    assert!(check("b", 1).unwrap_err().to_string().contains("belongs to cluster a, this node to cluster b"));
    assert!(check("a", 2).unwrap_err().to_string().contains("belongs to node 1, this is node 2"));
}

#[test]
fn the_mark_of_a_clean_stop_is_kafkas() {
    let disk = SimulatedDisk::new(0);
    let data = Path::new(DATA);
    disk.create_directory(data).unwrap();
    assert_eq!(read_clean_shutdown(&disk, data).unwrap(), None);
    write_clean_shutdown(&disk, data, BrokerEpoch(42)).unwrap();
    assert_eq!(disk.contents(&data.join(CLEAN_SHUTDOWN)), br#"{"version":0,"brokerEpoch":42}"#);
    assert_eq!(read_clean_shutdown(&disk, data).unwrap(), Some(CleanShutdown { broker_epoch: Some(BrokerEpoch(42)) }));
    remove_clean_shutdown(&disk, data).unwrap();
    remove_clean_shutdown(&disk, data).unwrap();
    assert_eq!(read_clean_shutdown(&disk, data).unwrap(), None);
    let old = with(CLEAN_SHUTDOWN, "");
    assert_eq!(read_clean_shutdown(&old, data).unwrap(), Some(CleanShutdown { broker_epoch: None }));
}

#[test]
fn partitions_are_listed_by_what_their_names_say() {
    let disk = SimulatedDisk::new(0);
    let unique = "0123456789abcdef0123456789abcdef";
    for name in ["a-b-1", "a-0", &format!("a-2.{unique}-delete"), &format!("a.b-3.{unique}-stray"), "remote-log-index-cache"] {
        disk.create_directory(&Path::new(DATA).join(name)).unwrap();
    }
    disk.put(Path::new("/data/recovery-point-offset-checkpoint"), b"");
    let found = list_partitions(&disk, Path::new(DATA)).unwrap();
    let found: Vec<_> = found.iter().map(|entry| (entry.partition.to_string(), entry.state)).collect();
    let expected = [("a-0", PartitionState::Live), ("a-2", PartitionState::Deleted), ("a-b-1", PartitionState::Live)];
    assert_eq!(found[..3], expected.map(|(name, state)| (name.to_owned(), state)));
    assert_eq!(found[3], ("a.b-3".to_owned(), PartitionState::Stray));
    disk.create_directory(Path::new("/data/photos")).unwrap();
    let error = list_partitions(&disk, Path::new(DATA)).unwrap_err().to_string();
    assert!(error.starts_with("/data/photos: "), "{error}");
}

#[test]
fn names_of_deleted_partitions_stay_in_bounds_and_are_known_again() {
    for length in [1, 200, 249] {
        let partition = TopicPartition { topic: TopicName::new(&"t".repeat(length)), partition: PartitionIndex(12) };
        let name = deleted_name(&partition, 0xabc);
        assert!(name.len() <= 255 && name.ends_with("-12.00000000000000000000000000000abc-delete"), "{name}");
        assert_eq!(parse_partition_name(&name).unwrap().1, PartitionState::Deleted);
    }
}

#[test]
fn checkpoints_go_round_and_what_is_wrong_is_named() {
    use crate::log::checkpoint::{RECOVERY_POINT, read_offsets, write_offsets};
    let disk = SimulatedDisk::new(0);
    let data = Path::new(DATA);
    disk.create_directory(data).unwrap();
    assert_eq!(read_offsets(&disk, data, RECOVERY_POINT).unwrap(), []);
    let partition =
        |topic: &str, partition| TopicPartition { topic: TopicName::new(topic), partition: PartitionIndex(partition) };
    let offsets = [(partition("a", 0), Offset(7)), (partition("b-c.d", 11), Offset(0))];
    write_offsets(&disk, data, RECOVERY_POINT, offsets.iter().map(|(at, offset)| (at, *offset))).unwrap();
    assert_eq!(disk.contents(&data.join(RECOVERY_POINT)), b"0\n2\na 0 7\nb-c.d 11 0\n");
    assert_eq!(read_offsets(&disk, data, RECOVERY_POINT).unwrap(), offsets);
    assert_eq!(read_offsets(&with(RECOVERY_POINT, ""), data, RECOVERY_POINT).unwrap(), [], "as Kafka may leave it");
    for torn in ["1\n0\n", "0\n2\na 0 7\n", "0\n1\na 0\n", "0\n1\na x 7\n", "0\nx\n", "0\n1\na 0 7 8\n"] {
        let error = read_offsets(&with(RECOVERY_POINT, torn), data, RECOVERY_POINT).unwrap_err().to_string();
        assert!(error.contains("/data/recovery-point-offset-checkpoint"), "{error}");
    }
}
