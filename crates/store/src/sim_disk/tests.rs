use super::{SimDisk, SimFaults};
use crate::disk::Disk;

#[test]
fn a_power_loss_spares_what_was_synced_and_only_perhaps_the_rest() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..200 {
        let disk = SimDisk::new();
        let file = disk.create("wal/1").expect("new");
        disk.sync_dir("wal").expect("synced");
        file.write_at(0, b"synced").expect("written");
        file.sync_data().expect("synced");
        file.write_at(6, &[7; 2048]).expect("written");
        let after = disk.power_loss(seed);
        let content = after
            .open("wal/1")
            .expect("its name was synced")
            .read_at(0, 4096)
            .expect("read");
        assert_eq!(&content[..6], b"synced");
        match content[6..].iter().filter(|byte| **byte == 7).count() {
            0 => lost += 1,
            2048 => kept += 1,
            _ => torn += 1,
        }
    }
    assert!(kept > 20 && lost > 20 && torn > 20, "{kept} {lost} {torn}");
}

#[test]
fn a_name_without_a_directory_sync_may_be_lost() {
    let disk = SimDisk::new();
    disk.create("a/b")
        .expect("new")
        .sync_data()
        .expect("synced");
    let found = (0..50)
        .filter(|seed| disk.power_loss(*seed).open("a/b").is_ok())
        .count();
    assert!(found > 5 && found < 45, "{found}");
    assert!(disk.process_kill().open("a/b").is_ok());
}

#[test]
fn a_failed_sync_gives_the_bytes_up_though_they_can_be_read() {
    let disk = SimDisk::new();
    let file = disk.create("f").expect("new");
    disk.sync_dir("").expect("synced");
    file.write_at(0, b"x").expect("written");
    disk.set_faults(SimFaults {
        sync_fails: true,
        ..SimFaults::default()
    });
    file.sync_data().expect_err("injected");
    disk.set_faults(SimFaults::default());
    file.sync_data()
        .expect("the second call succeeds and proves nothing");
    assert_eq!(file.len().expect("a length"), 1);
    assert!((0..20).all(|seed| {
        disk.power_loss(seed)
            .open("f")
            .expect("named")
            .is_empty()
            .expect("a length")
    }));
}

#[test]
fn a_full_disk_takes_what_fits_and_deletions_make_room() {
    let disk = SimDisk::new();
    let file = disk.create("f").expect("new");
    disk.set_faults(SimFaults {
        capacity: Some(10),
        ..SimFaults::default()
    });
    file.write_at(0, &[1; 8]).expect("it fits");
    let error = file.write_at(8, &[2; 8]).expect_err("it does not fit");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(file.len().expect("a length"), 10, "a part was written");
    file.write_at(0, &[3; 10])
        .expect("old bytes can be written over");
    assert_eq!(disk.free_bytes().expect("a number"), 0);
    file.truncate(4).expect("cut");
    assert_eq!(disk.free_bytes().expect("a number"), 6);
}

#[test]
fn a_machine_that_stops_leaves_its_last_change_half_done() {
    let disk = SimDisk::new();
    let file = disk.create("f").expect("new");
    disk.set_faults(SimFaults {
        stops_after: Some(2),
        ..SimFaults::default()
    });
    file.write_at(0, &[1; 8]).expect("the first change");
    file.sync_data().expect("the second");
    file.write_at(8, &[2; 8]).expect_err("stopped half-way");
    file.read_at(0, 1).expect_err("nothing works any more");
    disk.create("g").map(|_| ()).expect_err("nothing works");
    assert!(disk.has_stopped());
    let next = disk.process_kill();
    let content = next.open("f").expect("there").read_at(0, 100);
    assert_eq!(
        content.expect("read")[..],
        [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]
    );
    assert!(!next.has_stopped());
}
