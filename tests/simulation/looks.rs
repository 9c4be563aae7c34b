//! What people and logs do that changes nothing: exports, previews, the status; and saves in words.

use fieldsync::client::NewChange;
use fieldsync::core::record::Fields;
use serde_json::{Value, json};

use crate::device::Done;
use crate::random::Random;
use crate::world::World;

impl World {
    /// Looks without changing: exports, asks what would happen, reads the status.
    pub fn look(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(client) = self.client(tab.0, tab.1) else { return false };
        if random.percent(50) && self.acknowledge(tab) {
            return true;
        }
        let preview = random.percent(50);
        let _ = client.status();
        self.spawn(tab.0, tab.1, "look", async move {
            if preview {
                let _ = client.preview().await;
            } else {
                let _ = client.export_unsent().await;
            }
            Done::Other
        });
        true
    }
}

/// Saves, for the log.
pub fn describe(changes: &[NewChange]) -> Vec<Value> {
    let one = |change: &NewChange| {
        let seen: Fields =
            change.written.keys().filter_map(|name| Some((name.clone(), change.seen.get(name)?.clone()))).collect();
        json!({"row": change.row, "record": format!("{}/{}", change.collection, change.record), "action": change.action,
            "version": change.version, "seen": seen, "written": change.written})
    };
    changes.iter().map(one).collect()
}
