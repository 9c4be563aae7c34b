//! The start of a context: its first list from a head, its pages in pieces beside everything else, and the same as ever at the end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use fieldsync::client::{Client, NewChange};
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{Fields, RecordId, UserId, Version};
use fieldsync::core::rows::derived;
use fieldsync::data::query::Query;
use fieldsync::data::table::RecordView;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Committed, Read, Rows, Scope, Step, Store, StoreError, StoreName, Write};
use serde_json::{Value, json};

use super::damaged::damage;
use super::selection::select;
use super::world::{AHMAD, BUDI, Device, SARI, TestHost, Wire, World, fields};

/// The first page of customers, as the app asks for it.
const BY_NAME: &str = r#"{"sort":["name"],"limit":20}"#;

/// A store that notes what is read of it, and lets others go on behind each piece of pages.
#[derive(Clone, Default)]
struct Watched {
    store: MemoryStore,
    reads: Rc<RefCell<Vec<Read>>>,
    pieces: Rc<Cell<usize>>,
}

impl Store for Watched {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        self.store.update(scope, plan).await
    }

    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError> {
        self.reads.borrow_mut().extend(read.iter().cloned());
        let is_piece = matches!(read[..], [Read::PagesAfter(..)]);
        let rows = self.store.read(read).await;
        if is_piece {
            self.pieces.set(self.pieces.get() + 1);
            tokio::task::yield_now().await;
        }
        rows
    }
}

impl Watched {
    fn over(store: &MemoryStore) -> Self {
        Self { store: store.clone(), ..Self::default() }
    }

    /// Reads of pages so far: all of them, and those of single records.
    fn pages(&self) -> (usize, usize) {
        let reads = self.reads.borrow();
        let whole = reads.iter().filter(|read| matches!(read, Read::PagesSince(_) | Read::PagesAfter(..) | Read::PagesIn(_)));
        (whole.count(), reads.iter().filter(|read| matches!(read, Read::PagesOf(_))).count())
    }
}

type Tab = Client<Watched, Wire, TestHost>;

/// A tab that has read no page yet.
async fn start(world: &World, user: UserId, store: &MemoryStore) -> (Tab, Watched) {
    let store = Watched::over(store);
    (world.start(user, store.clone()).await.unwrap(), store)
}

fn query(text: &str) -> Query {
    serde_json::from_str(text).unwrap()
}

fn listed<S: Store>(client: &Client<S, Wire, TestHost>) -> (Vec<String>, bool) {
    let (records, complete) = client.list("customers", &query(BY_NAME));
    (records.iter().map(name_of).collect(), complete)
}

fn name_of(record: &RecordView) -> String {
    record.fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn keep(phone: &Device) {
    phone.client.asked("customers", BY_NAME, &query(BY_NAME));
    phone.client.keep_heads().await.unwrap();
}

fn name(n: usize) -> String {
    format!("PT {n:03}")
}

/// A device with so many customers, three or four to a page, and the head of their first page.
async fn filled(world: &World, count: usize) -> (Device, Vec<RecordId>) {
    let phone = world.device(BUDI).await;
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(phone.create("customers", json!({"name": name(n), "notes": "x".repeat(7_500)})).await);
    }
    phone.sync().await;
    keep(&phone).await;
    (phone, ids)
}

/// An update, as a form has it that was open before the page was loaded anew.
fn edit(phone: &Device, shown: &RecordView, written: Value) -> Vec<NewChange> {
    vec![phone.edit(shown, written)]
}

#[tokio::test]
async fn the_first_list_needs_no_page_and_says_that_it_is_not_complete() {
    let world = World::new();
    let (phone, _) = filled(&world, 80).await;
    let (whole, _) = listed(&phone.client);

    let (tab, store) = start(&world, BUDI, &phone.store).await;
    assert!(tab.can_show("customers", BY_NAME) && !tab.can_show("customers", r#"{"sort":["city"],"limit":20}"#));
    assert_eq!(listed(&tab), (whole.clone(), false));
    assert_eq!(store.pages(), (0, 0));

    tab.load().await.unwrap();
    assert!(store.pieces.get() > 1, "in pieces");
    assert_eq!(listed(&tab), (whole, true));
    assert_eq!(tab.count("customers", &query("{}")), 80);
}

#[tokio::test]
async fn what_is_unsent_shows_over_the_head() {
    let world = World::new();
    let (phone, ids) = filled(&world, 80).await;
    phone.create("customers", json!({"name": "Aa baru"})).await;
    // It stands far behind the head, and is in front of it now; its other fields are in its page.
    phone.update("customers", ids[79], json!({"name": "Ab depan"})).await;
    phone.update("customers", ids[1], json!({"city": "Depok"})).await;
    phone.remove("customers", ids[0]).await;
    let (whole, _) = listed(&phone.client);

    let (tab, store) = start(&world, BUDI, &phone.store).await;
    assert_eq!(store.pages(), (0, 1), "the pages of what is unsent, and no others");
    let (early, complete) = listed(&tab);
    assert!(!complete);
    assert_eq!(early, whole[..early.len()], "own work is there, in its place");
    assert_eq!(early[..3], ["Aa baru", "Ab depan", "PT 001"]);
    let (records, _) = tab.list("customers", &query(BY_NAME));
    assert!(records[1].fields.contains_key("notes") && records[1].version > Version(0));
    assert_eq!(records[2].fields["city"], json!("Depok"));
    assert_eq!(tab.status().pending, phone.client.status().pending);

    tab.load().await.unwrap();
    assert_eq!(listed(&tab), (whole, true));
}

#[tokio::test]
async fn saves_and_a_cycle_go_on_while_the_pages_are_read() {
    let world = World::new();
    let (phone, ids) = filled(&world, 80).await;
    let shown = phone.get("customers", ids[2]).unwrap();
    let (tab, store) = start(&world, BUDI, &phone.store).await;
    let work = async {
        tab.save(edit(&phone, &shown, json!({"name": "Aa diubah"})), 0).await.unwrap();
        assert_eq!(listed(&tab).0[0], "Aa diubah");
        tab.cycle(fieldsync::core::machine::Reason::User).await;
        assert_eq!(tab.status().pending, 0, "sent and confirmed, from the pages in the store");
        assert!(!tab.is_loaded(), "while pages are read");
        assert_eq!((listed(&tab).0[0].as_str(), store.pieces.get()), ("Aa diubah", 1), "confirmed, it does not go back");
    };
    let (loaded, ()) = join_after_piece(tab.load(), work, &store).await;
    loaded.unwrap();
    let (names, complete) = listed(&tab);
    assert!(complete && tab.is_loaded());
    assert_eq!((names[0].as_str(), names.len()), ("Aa diubah", 20), "the older copy that a piece had read is not what is left");
    assert_eq!(tab.get("customers", ids[2]).unwrap().version, Version(2));
}

/// Both, where the second goes on to its end when the first has read a piece.
async fn join_after_piece<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>, store: &Watched) -> (A, B) {
    let mut first = std::pin::pin!(first);
    let begun = std::future::poll_fn(|context| match first.as_mut().poll(context) {
        std::task::Poll::Ready(_) => panic!("all was read at once"),
        std::task::Poll::Pending => std::task::Poll::Ready(()),
    });
    begun.await;
    assert_eq!(store.pieces.get(), 1);
    let second = second.await;
    (first.await, second)
}

#[tokio::test]
async fn what_another_context_wrote_while_the_pages_were_read_is_there() {
    let world = World::new();
    let (phone, ids) = filled(&world, 80).await;
    let (tab, store) = start(&world, BUDI, &phone.store).await;
    let work = async {
        phone.update("customers", ids[3], json!({"name": "Aa lain"})).await;
        phone.sync().await;
        // Woken, as tabs are: what it hears of now it has heard of at the end, too.
        tab.refresh(None).await.unwrap();
        assert_eq!(listed(&tab).0[0], "Aa lain");
    };
    join_after_piece(tab.load(), work, &store).await.0.unwrap();
    assert_eq!(listed(&tab), listed(&phone.client));
    assert_eq!(tab.get("customers", ids[3]), phone.get("customers", ids[3]));
    tab.refresh(None).await.unwrap();
    assert_eq!(listed(&tab), listed(&phone.client));
}

#[tokio::test]
async fn a_record_is_brought_before_its_turn() {
    let world = World::new();
    let (phone, ids) = filled(&world, 80).await;
    let (tab, _) = start(&world, BUDI, &phone.store).await;
    assert_eq!(tab.get("customers", ids[70]), None);
    assert!(tab.bring("customers", ids[70]).await.unwrap());
    assert_eq!(tab.get("customers", ids[70]).unwrap().fields["name"], json!(name(70)));
    let unknown = RecordId::new(world.now(), [1, 1]);
    assert!(!tab.bring("customers", unknown).await.unwrap(), "only all of the pages can tell");
}

#[tokio::test]
async fn what_was_taken_away_since_is_never_shown_once_the_pages_are_read() {
    let world = World::new();
    let (phone, ids) = filled(&world, 40).await;
    let kept = phone.store.read(vec![Read::Derived(derived::HEADS.into())]).await.unwrap().derived;
    world.give(ids[0], SARI).await;
    let worker = world.worker(BUDI, phone.store.clone()).await;
    worker.sync().await;
    let (tab, _) = start(&world, BUDI, &phone.store).await;
    assert!(!listed(&tab).1, "whatever it shows now");
    tab.load().await.unwrap();
    assert_eq!(listed(&tab).0[0], name(1));
    assert_eq!(tab.get("customers", ids[0]), None);
    // And the head is one without it from now on.
    tab.list("customers", &query(BY_NAME));
    tab.keep_heads().await.unwrap();
    let now = phone.store.read(vec![Read::Derived(derived::HEADS.into())]).await.unwrap().derived;
    assert_ne!(now, kept);
    assert_eq!(listed(&start(&world, BUDI, &phone.store).await.0).0[0], name(1));
}

#[tokio::test]
async fn a_head_of_another_selection_or_user_or_that_cannot_be_read_is_none() {
    let world = World::new();
    let (phone, _) = filled(&world, 20).await;
    let heads = || vec![Read::Derived(derived::HEADS.into())];
    let bytes = phone.store.read(heads()).await.unwrap().derived[derived::HEADS].clone();
    let put = |bytes: Vec<u8>| {
        let store = phone.store.clone();
        async move {
            let scope = Scope::relaxed(&[StoreName::Derived], vec![]);
            store.update(scope, |_| Step::Write(vec![Write::Derived(derived::HEADS.into(), bytes.clone())], ())).await.unwrap();
        }
    };
    let has_head = async |user| start(&world, user, &phone.store).await.0.can_show("customers", BY_NAME);
    assert!(has_head(BUDI).await);
    assert!(!has_head(AHMAD).await, "another user's");
    for broken in [vec![], bytes[..bytes.len() - 1].to_vec(), b"{}\n".to_vec(), [&bytes[..bytes.len() - 2], b"xx"].concat()] {
        put(broken).await;
        assert!(!has_head(BUDI).await);
    }
    put(bytes.clone()).await;
    select(&phone, json!({"customers": {"whose": "mine"}})).await;
    assert!(phone.store.read(heads()).await.unwrap().derived.is_empty(), "they go with the selection");
    put(bytes).await;
    assert!(!has_head(BUDI).await, "another selection's");
}

#[tokio::test]
async fn heads_are_written_only_of_what_is_whole_and_only_if_they_are_others() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    keep(&phone).await;
    let stored = async || phone.store.read(vec![Read::Derived(derived::HEADS.into())]).await.unwrap().derived;
    assert!(stored().await.is_empty(), "nothing was pulled yet");
    phone.create("customers", json!({"name": "PT Satu"})).await;
    phone.sync().await;
    assert!(phone.client.wants_heads());
    keep(&phone).await;
    assert!(!stored().await.is_empty() && !phone.client.wants_heads());
    let transactions = phone.store.transactions();
    keep(&phone).await;
    assert_eq!(phone.store.transactions(), transactions, "the same again");
    // Memory that another context has overtaken is not what to keep.
    let other = world.context(BUDI, phone.store.clone()).await;
    phone.create("customers", json!({"name": "PT Tiga"})).await;
    phone.sync().await;
    other.create("customers", json!({"name": "PT Dua"})).await;
    other.sync().await;
    let before = stored().await;
    keep(&phone).await;
    assert_eq!(stored().await, before);
    assert!(phone.client.wants_heads(), "later");
}

#[tokio::test]
async fn a_damaged_page_is_found_and_mended_while_the_pages_are_read() {
    let world = World::new();
    let (phone, ids) = filled(&world, 80).await;
    phone.update("customers", ids[7], json!({"city": "Depok"})).await;
    assert!(damage(&phone, "customers").await > 16, "in more than one piece");
    let (tab, _) = start(&world, BUDI, &phone.store).await;
    assert_eq!((listed(&tab).1, tab.status().pending), (false, 1));
    tab.load().await.unwrap();
    assert_eq!(tab.status().errors.last().unwrap().code, "page-damaged");
    assert!(!listed(&tab).1);
    tab.cycle(fieldsync::core::machine::Reason::User).await;
    assert_eq!((tab.count("customers", &query("{}")), listed(&tab).1, tab.status().pending), (80, true, 0));
}

#[tokio::test]
async fn of_an_edit_whose_base_is_not_here_yet_nothing_is_shown_before_it_is() {
    let world = World::new();
    let (phone, ids) = filled(&world, 80).await;
    let (tab, store) = start(&world, BUDI, &phone.store).await;
    let shown = phone.get("customers", ids[75]).unwrap();
    let work = async {
        // Another tab's edit of a record that this one has not seen.
        phone.update_seen(&shown, json!({"name": "Aa setengah"})).await;
        tab.refresh(None).await.unwrap();
        assert_eq!(listed(&tab).0[0], name(0));
    };
    join_after_piece(tab.load(), work, &store).await.0.unwrap();
    assert_eq!(listed(&tab).0[0], "Aa setengah");
}

#[tokio::test]
async fn a_new_record_is_created_before_the_pages_are_read() {
    let world = World::new();
    let (phone, _) = filled(&world, 80).await;
    let (tab, _) = start(&world, BUDI, &phone.store).await;
    let (row, record) = (phone.row(), RecordId::new(world.now(), [3, 3]));
    let (collection, action, written) = ("customers".to_owned(), Action::Create, fields(json!({"name": "Aa baru"})));
    let new = NewChange { row, collection, record, action, version: Version(0), seen: Fields::new(), written };
    tab.save(vec![new], 0).await.unwrap();
    assert_eq!(listed(&tab).0[0], "Aa baru");
    assert!(tab.bring("customers", record).await.unwrap() && tab.get("customers", record).is_some());
}
