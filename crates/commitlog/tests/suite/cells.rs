//! Cells: the newest value is there after any restart.

use crate::backend::check;
use crate::process::Process;
use base::ShardId;
use bytes::Bytes;
use commitlog::{Cell, Cells, Kind};

fn cell(kind: Kind, key: &'static str, value: Option<&'static str>) -> Cell {
    Cell {
        kind,
        key: Bytes::from(key),
        value: value.map(Bytes::from),
    }
}

fn write(process: &mut Process, shard: u16, cells: Vec<Cell>) {
    let shard = process.log.shard(ShardId(shard)).clone();
    process.run(async move { shard.write(cells).await.expect("open") });
}

fn of(process: &Process, shard: u16, kind: Kind) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let cells = process.cells.get(&ShardId(shard));
    cells
        .into_iter()
        .flat_map(|cells: &Cells| cells.of(kind))
        .map(|(key, value)| (text(key), text(value)))
        .collect()
}

#[test]
fn the_newest_values_are_there_after_a_kill_and_after_a_close() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        let pair = vec![
            cell(Kind::Group, "a", Some("1")),
            cell(Kind::Group, "b", Some("1")),
        ];
        write(&mut process, 0, pair);
        write(
            &mut process,
            1,
            vec![cell(Kind::Group, "a", Some("other shard"))],
        );
        write(
            &mut process,
            0,
            vec![cell(Kind::Catalog, "a", Some("other kind"))],
        );
        write(&mut process, 0, vec![cell(Kind::Group, "a", Some("2"))]);
        write(&mut process, 0, vec![cell(Kind::Group, "b", None)]);
        write(
            &mut process,
            0,
            vec![cell(Kind::Producer, "empty", Some(""))],
        );
        drop(process);
        for epoch in 2..5 {
            let process = Process::start(backend, epoch);
            let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            assert_eq!(of(&process, 0, Kind::Group), [pair("a", "2")]);
            assert_eq!(of(&process, 1, Kind::Group), [pair("a", "other shard")]);
            assert_eq!(of(&process, 0, Kind::Catalog), [pair("a", "other kind")]);
            assert_eq!(of(&process, 0, Kind::Producer), [pair("empty", "")]);
            if epoch == 3 {
                process.close();
            }
        }
    });
}
