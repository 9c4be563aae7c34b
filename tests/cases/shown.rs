//! Records as the app reads them, where a form that is opened on them would otherwise be told something that was never so.

use std::rc::Rc;

use fieldsync::core::bases::Bases;
use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::{Parcel, ParcelState};
use fieldsync::core::protocol::{Action, Problem, ProblemCode};
use fieldsync::core::record::{Base, Version};
use fieldsync::data::table::{RecordStatus, RecordView, Tables};
use serde_json::json;

use super::world::{
    Memory, NOW, applied, base, bases, begin_all, change_in, create, delete, fields, finish_one, id, schema, update,
};

/// Record 1, with these changes and parcels, as the app reads it.
fn read(collection: &str, base: Option<Base>, outbox: &[Change], parcels: &[Parcel]) -> RecordView {
    let mut tables = Tables::new(Rc::new(schema()));
    base.into_iter().for_each(|base| tables.put(collection, base));
    outbox.iter().for_each(|change| tables.take_change(change.clone()));
    tables.take_parcels(parcels);
    tables.record(collection, id(1), true, NOW).unwrap()
}

/// The base may never have been here: an import has brought the delete alone.
#[test]
fn what_is_deleted_and_has_no_base_is_shown_as_the_delete_saw_it() {
    let saw = json!({"name": "A", "phone": "02111"});
    let shown = read("customers", None, &[delete(1, 1, (3, saw.clone()))], &[]);
    assert_eq!((shown.version, shown.fields.into_fields(), shown.pending), (Version(3), fields(saw), Some(Action::Delete)));
}

#[test]
fn a_refused_parcel_that_no_newer_change_can_mend_has_failed() {
    let title = json!({"customer": id(9), "title": "T", "stage": "lead"});
    let stage =
        |seq, from: &str, to: &str| change_in("pipelines", seq, 1, "update", (1, json!({"stage": from})), json!({"stage": to}));
    let mut here = bases([]);
    here.put("pipelines", base(1, 1, title.clone()));
    let mut outbox = vec![stage(1, "lead", "qualified")];
    let sent = begin_all(&outbox, &[], &here).parcels[0].clone();
    let problem = Problem::new(ProblemCode::Forbidden, "");
    let refused = [Parcel { state: ParcelState::Refused { problem: problem.clone() }, ..sent }];
    let status = |outbox: &[Change]| read("pipelines", Some(base(1, 1, title.clone())), outbox, &refused);
    outbox.push(stage(2, "qualified", "proposal"));
    assert_eq!(begin_all(&outbox, &refused, &here).send, [], "both at once are a leap, and the first alone was refused");
    assert_eq!((status(&outbox).status, status(&outbox).problem), (RecordStatus::Failed, Some(problem)));
    outbox.push(stage(3, "proposal", "qualified"));
    assert_eq!((begin_all(&outbox, &refused, &here).send.len(), status(&outbox).status), (1, RecordStatus::Pending));
}

/// What a server names no date of is as old as the record. An answer dates it by when the edit was made, for it may be a second one;
/// but what the edit was built on is no older for it.
#[test]
fn an_old_edit_that_is_confirmed_makes_nothing_older_than_what_it_was_built_on() {
    let earlier = |mut change: Change| {
        change.saved_at = NOW.plus(-60_000);
        change
    };
    let made = |outbox: &[Change], here: &mut Memory| {
        let parcel = begin_all(outbox, &[], here).parcels[0].clone();
        finish_one(outbox, &parcel, applied(&parcel, 99, json!({})), here);
        here.get("customers", id(1)).unwrap().at
    };
    let theirs = Base { at: NOW.plus(-1_000), ..base(1, 3, json!({"name": "A"})) };
    let edit = earlier(update(1, 1, (3, json!({"name": "A"})), json!({"name": "B"})));
    assert_eq!(made(&[edit], &mut bases([theirs.clone()])), theirs.at);
    let create = earlier(create(1, 1, json!({"name": "A"})));
    assert_eq!(made(&[create], &mut bases([])), NOW.plus(-60_000));
}
