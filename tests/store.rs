//! Every store passes the same cases: the one in memory natively, the one over IndexedDB in browsers
//! (`wasm-pack test --headless --chrome . --test store --features browser-tests`).
#![allow(clippy::expect_used, clippy::panic)] // That is how a test fails; clippy.toml's leave covers `#[test]` functions only.

mod common;

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use super::common::{Disk, block_on, cases};
    use fieldsync::memory::MemoryStore;

    struct Memory(MemoryStore);

    impl Disk for Memory {
        type Store = MemoryStore;
        fn open(&self) -> MemoryStore {
            self.0.clone()
        }
    }

    macro_rules! over_memory {
        ($($case:ident),* $(,)?) => {
            $(#[test]
            fn $case() {
                block_on(cases::$case(Memory(MemoryStore::new())));
            })*
        };
    }
    crate::store_cases!(over_memory);
}

#[cfg(target_arch = "wasm32")]
mod indexed_db {
    use super::common::{Disk, cases};
    use fieldsync::web::host::BrowserHost;
    use fieldsync::web::indexed_db::IndexedDbStore;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    wasm_bindgen_test_configure!(run_in_browser);

    pub struct Database(pub String);

    impl Database {
        pub fn fresh() -> Self {
            Self(format!("fieldsync-test-{}", BrowserHost.new_id()))
        }
    }

    impl Disk for Database {
        type Store = IndexedDbStore;
        fn open(&self) -> IndexedDbStore {
            IndexedDbStore::new(&self.0)
        }
    }

    macro_rules! over_indexed_db {
        ($($case:ident),* $(,)?) => {
            $(#[wasm_bindgen_test]
            async fn $case() {
                cases::$case(Database::fresh()).await;
            })*
        };
    }
    crate::store_cases!(over_indexed_db);
}

/// What only a browser can do to a store.
#[cfg(all(target_arch = "wasm32", feature = "browser-tests"))]
#[path = "store/browser.rs"]
mod browser;
