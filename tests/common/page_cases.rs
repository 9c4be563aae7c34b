//! The cases about pages: who owns an id, and what was written since.

use fieldsync::core::protocol::Range;
use fieldsync::ports::{PageRow, Read, Store, Write};

use super::Disk;
use super::rows::{id, page};
use super::store_cases::{firsts, firsts_of, put, read};

/// Customers in the pages "", 50, 100; activities in one; pipelines in none; deals without a first page.
pub async fn paged(store: &impl Store) {
    let customers = [0, 50, 100].into_iter().zip(2..).map(|(first, stamp)| Write::Page(page("customers", first, stamp)));
    let others = [Write::Page(page("activities", 0, 1)), Write::Page(page("deals", 70, 5))];
    put(store, customers.chain(others).collect()).await;
}

async fn owned(store: &impl Store, collection: &str, ids: &[u64]) -> Vec<String> {
    let wanted = ids.iter().map(|number| (collection.to_owned(), id(*number))).collect();
    firsts(&read(store, Read::PagesOf(wanted)).await)
}

pub async fn the_first_page_owns_what_comes_before_every_other(disk: impl Disk) {
    let store = disk.open();
    assert_eq!(owned(&store, "customers", &[1]).await, firsts_of(&[]));
    paged(&store).await;
    assert_eq!(owned(&store, "customers", &[1]).await, firsts_of(&[0]));
    assert_eq!(owned(&store, "customers", &[49]).await, firsts_of(&[0]));
    assert_eq!(owned(&store, "activities", &[999]).await, firsts_of(&[0]));
    assert_eq!(owned(&store, "pipelines", &[1]).await, firsts_of(&[]), "no page, no owner");
}

pub async fn a_split_page_owns_up_to_the_next(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    assert_eq!(owned(&store, "customers", &[50]).await, firsts_of(&[50]));
    assert_eq!(owned(&store, "customers", &[99]).await, firsts_of(&[50]));
    assert_eq!(owned(&store, "customers", &[100]).await, firsts_of(&[100]));
    assert_eq!(owned(&store, "customers", &[7_000]).await, firsts_of(&[100]));
    put(&store, vec![Write::Page(page("customers", 75, 6))]).await;
    assert_eq!(owned(&store, "customers", &[80]).await, firsts_of(&[75]));
    let rows = read(&store, Read::PagesOf(vec![("customers".into(), id(80))])).await;
    assert_eq!(rows.pages, [page("customers", 75, 6)]);
}

pub async fn each_page_is_given_once(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    assert_eq!(owned(&store, "customers", &[60, 2, 61, 1]).await, firsts_of(&[0, 50]));
    let wanted = vec![("customers".to_owned(), id(60)), ("activities".to_owned(), id(5)), ("customers".to_owned(), id(60))];
    let rows = store.read(vec![Read::PagesOf(wanted.clone()), Read::PagesOf(wanted)]).await.expect("a read");
    assert_eq!(rows.pages, [page("activities", 0, 1), page("customers", 50, 3)]);
}

pub async fn many_records_find_their_pages(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    assert_eq!(owned(&store, "customers", &[120, 51, 52, 53, 54, 55, 100, 110]).await, firsts_of(&[50, 100]));
    assert_eq!(owned(&store, "customers", &[1, 2, 3, 4, 5, 6]).await, firsts_of(&[0]));
    assert_eq!(owned(&store, "customers", &[1, 51, 101, 2, 52, 102]).await, firsts_of(&[0, 50, 100]));
    assert_eq!(owned(&store, "pipelines", &[1, 51, 101, 2, 52, 102]).await, firsts_of(&[]));
    // What comes before every page has no owner.
    assert_eq!(owned(&store, "deals", &[1, 2, 3, 69, 70, 71]).await, firsts_of(&[70]));
    assert_eq!(owned(&store, "deals", &[1]).await, firsts_of(&[]));
}

pub async fn a_range_finds_the_pages_that_own_ids_of_it(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    let within = async |after: Option<u64>, upto: Option<u64>| {
        let range = Range { collection: "customers".into(), after: after.map(id), upto: upto.map(id) };
        firsts(&read(&store, Read::PagesIn(range)).await)
    };
    assert_eq!(within(None, None).await, firsts_of(&[0, 50, 100]));
    assert_eq!(within(None, Some(49)).await, firsts_of(&[0]));
    assert_eq!(within(None, Some(50)).await, firsts_of(&[0, 50]));
    assert_eq!(within(Some(10), Some(20)).await, firsts_of(&[0]));
    assert_eq!(within(Some(48), Some(51)).await, firsts_of(&[0, 50]));
    assert_eq!(within(Some(50), Some(60)).await, firsts_of(&[50]));
    assert_eq!(within(Some(60), None).await, firsts_of(&[50, 100]));
    assert_eq!(within(Some(100), None).await, firsts_of(&[100]));
    assert_eq!(within(Some(5_000), None).await, firsts_of(&[100]));
    let elsewhere = Range { collection: "pipelines".into(), after: None, upto: None };
    assert_eq!(firsts(&read(&store, Read::PagesIn(elsewhere)).await), firsts_of(&[]));
}

pub async fn pages_written_since_a_stamp_are_found(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    let since = async |stamp| read(&store, Read::PagesSince(stamp)).await.pages;
    assert_eq!(since(3).await, [page("customers", 100, 4), page("deals", 70, 5)]);
    assert_eq!(since(0).await.len(), 5);
    assert_eq!(since(5).await, []);
    put(&store, vec![Write::Page(page("customers", 0, 6))]).await;
    assert_eq!(since(4).await, [page("customers", 0, 6), page("deals", 70, 5)], "by key, not by stamp");
    assert_eq!(since(0).await.len(), 5, "replaced, not added");
}

pub async fn all_pages_are_read_in_pieces_by_key(disk: impl Disk) {
    let store = disk.open();
    assert_eq!(read(&store, Read::PagesAfter(None, 2)).await.pages, []);
    paged(&store).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let piece = read(&store, Read::PagesAfter(after, 2)).await.pages;
        let Some(last) = piece.last() else { break };
        after = Some((last.collection.clone(), last.first.clone()));
        assert!(piece.len() <= 2);
        found.extend(piece);
    }
    assert_eq!(found, read(&store, Read::PagesSince(0)).await.pages);
    let behind = Some(("customers".to_owned(), "x".to_owned()));
    assert_eq!(read(&store, Read::PagesAfter(behind, 9)).await.pages, [page("deals", 70, 5)]);
}

pub async fn pages_of_other_collections_are_left_alone(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    let changed = PageRow { bytes: vec![1, 2, 3], ..page("customers", 0, 9) };
    put(&store, vec![Write::Page(changed.clone())]).await;
    let rows = read(&store, Read::PagesSince(0)).await.pages;
    let customers = [changed, page("customers", 50, 3), page("customers", 100, 4)];
    assert_eq!(rows, [&[page("activities", 0, 1)][..], &customers, &[page("deals", 70, 5)]].concat());
}
