use super::{Entry, Found, Index, Page};

fn entry(base_offset: i64) -> Entry {
    Entry {
        base_offset,
        max_timestamp: base_offset * 10,
        position: 0,
        len: 100,
        last_offset_delta: 9,
    }
}

fn index() -> Index {
    let mut index = Index::default();
    for base in [0, 10, 20] {
        index.push(1, entry(base));
    }
    for base in [30, 40] {
        index.push(2, entry(base));
    }
    let pages: Vec<_> = Page::of(1, 64, &[entry(0), entry(10), entry(20)])
        .into_iter()
        .collect();
    index.seal(1, pages);
    index
}

fn bases(found: Option<Found>) -> Vec<i64> {
    match found {
        Some(Found::Entries { entries, .. }) => {
            entries.iter().map(|entry| entry.base_offset).collect()
        }
        Some(Found::Page(page)) => vec![-page.base_offset - 1],
        None => Vec::new(),
    }
}

#[test]
fn batches_are_found_by_offset_and_time() {
    let index = index();
    assert_eq!(bases(index.find(25, 1000)), [-1], "in the page of file 1");
    assert_eq!(bases(index.find(30, 1000)), [30, 40]);
    assert_eq!(
        bases(index.find(39, 1)),
        [30],
        "a batch is given even where it is larger than the limit"
    );
    assert_eq!(bases(index.find(50, 1000)), []);
    assert_eq!(bases(index.find_timestamp(200, 0)), [-1]);
    assert_eq!(bases(index.find_timestamp(301, 0)), [40]);
    assert_eq!(bases(index.find_timestamp(401, 0)), []);
    assert_eq!(index.max_timestamp(), Some(400));
}

#[test]
fn batches_without_a_timestamp_are_not_older_than_what_follows() {
    let mut index = Index::default();
    let undated = |base_offset| Entry {
        max_timestamp: -1,
        ..entry(base_offset)
    };
    for entry in [undated(0), entry(10), undated(20), undated(30)] {
        index.push(1, entry);
    }
    assert_eq!(index.retention_point(Some(100), None), None);
    assert_eq!(index.retention_point(Some(101), None), Some(20));
    assert_eq!(index.retention_point(None, Some(100)), Some(30));
}

#[test]
fn retention_takes_whole_pages_and_single_batches() {
    let mut index = index();
    assert_eq!(index.bytes(), 500);
    assert_eq!(index.retention_point(None, None), None);
    assert_eq!(
        index.retention_point(Some(200), None),
        None,
        "the page's newest batch is not old enough"
    );
    assert_eq!(index.retention_point(Some(201), None), Some(30));
    assert_eq!(
        index.retention_point(None, Some(150)),
        Some(30),
        "as much as the limit stays"
    );
    assert_eq!(index.retention_point(None, Some(100)), Some(40));
    index.trim(40);
    assert_eq!(
        (index.bytes(), index.files().collect::<Vec<_>>()),
        (100, vec![2])
    );
}
