//! What people decide about conflicts, as they are shown: one or several at once, mine, theirs or another, or later; and
//! whether what was chosen is what comes of it.

use std::collections::BTreeMap;

use fieldsync::client::{ConflictView, Decided, Decision, SettleError};
use fieldsync::core::outbox::Change;
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{at, field_of, same};
use fieldsync::core::resolve::{Choice, Choices, WHOLE};
use fieldsync::core::schema::Policy;
use fieldsync::core::view::ConflictKind;
use serde_json::{Value, json};

use crate::device::Done;
use crate::overwrite::is_token;
use crate::random::Random;
use crate::world::World;

/// What must have been decided, in a run of the whole.
pub const DECISIONS: &[&str] = &[
    "mine",
    "theirs",
    "another",
    "these are two",
    "deleted by them, restored",
    "deleted by them, accepted",
    "deleted by me, deleted",
    "deleted by me, kept",
    "several at once",
    "later",
    "moved since",
    "breaks a rule",
];
/// Fields that a person must have been asked about, by what their policy could not decide.
pub const ASKED: &[&str] = &["text", "stage", "reference", "latest", "append", "member"];

/// How many of a hundred decisions are about all conflicts that there are.
const SEVERAL_PERCENT: u64 = 30;

/// A conflict, and what a person chose.
pub struct Chosen {
    pub decision: Decision,
    kind: ConflictKind,
    /// The fields that were shown.
    asked: Vec<String>,
}

impl World {
    /// Decides some conflict as it is shown, or several; so many of a hundred are put off.
    pub fn resolve(&mut self, tab: (usize, usize), random: &mut Random, later_percent: u64) -> bool {
        let Some(client) = self.client(tab.0, tab.1) else { return false };
        let conflicts = client.conflicts();
        let Some(conflict) = random.pick(&conflicts) else { return false };
        if random.percent(later_percent) {
            let ((collection, id, version), sim) = (conflict.key(), self.sim.clone());
            self.spawn(tab.0, tab.1, "put off", async move {
                if client.put_off(collection, id, version).await.is_ok() {
                    sim.count("decision", "later");
                }
                Done::Other
            });
            return true;
        }
        let several = conflicts.len() > 1 && random.percent(SEVERAL_PERCENT);
        let shown: Vec<&ConflictView> = if several { conflicts.iter().collect() } else { vec![conflict] };
        let chosen: Vec<Chosen> = shown.into_iter().map(|conflict| self.chosen(tab, conflict, random)).collect();
        let decisions: Vec<Decision> = chosen.iter().map(|chosen| chosen.decision.clone()).collect();
        for decision in &decisions {
            self.sim.oracle.borrow_mut().decisions.insert((decision.id, decision.version));
        }
        self.say(|_| format!("device {}.{}: decides {decisions:?}", tab.0, tab.1));
        self.spawn(tab.0, tab.1, "resolve", async move {
            let result = match &decisions[..] {
                [alone] => client.resolve_held(alone, 0).await.map(|undo| Decided { undo, ..Decided::default() }),
                several => client.decide(several, 0).await,
            };
            Done::Decided { chosen, result }
        });
        true
    }

    /// What a person chooses of a conflict.
    fn chosen(&self, tab: (usize, usize), conflict: &ConflictView, random: &mut Random) -> Chosen {
        let (collection, id, version) = conflict.key();
        let (kind, mut choices): (_, Choices) = (conflict.kind(), BTreeMap::new());
        let either = |random: &mut Random| if random.percent(50) { Choice::Mine } else { Choice::Theirs };
        if kind != ConflictKind::Fields {
            choices.insert(WHOLE.to_owned(), either(random));
        }
        for (name, mine, theirs) in conflict.field_sides() {
            let other = if random.percent(20) { self.another(tab, name, [mine, theirs], random) } else { None };
            choices.insert(name.to_owned(), other.map_or_else(|| either(random), Choice::Value));
        }
        if conflict.is_made_twice() && random.percent(30) {
            choices.insert(WHOLE.to_owned(), Choice::Two);
            self.sim.oracle.borrow_mut().twos.insert(id);
        } else {
            self.sim.oracle.borrow_mut().twos.remove(&id);
        }
        let mut decision = Decision { collection, id, version, choices };
        // Who is told why it cannot be chooses otherwise, sooner or later.
        if random.percent(50)
            && let Some(client) = self.client(tab.0, tab.1)
        {
            for broken in client.would_break(&decision) {
                decision.choices.insert(broken.field, Choice::Theirs);
            }
        }
        Chosen { decision, kind, asked: conflict.field_names().map(str::to_owned).collect() }
    }

    /// Neither mine nor theirs, of a field that takes such a thing.
    fn another(&self, tab: (usize, usize), name: &str, sides: [&Value; 2], random: &mut Random) -> Option<Value> {
        let value = match name {
            "stage" => json!(["lead", "proposal", "won"][random.below(3)]),
            "grade" => json!(["a", "b", "c", "d"][random.below(4)]),
            "customer" => self.some_id(tab, "customers", random)?,
            "pipeline" => self.some_id(tab, "pipelines", random)?,
            "visits" | "last_visit" | "discount" => json!(random.below(100)),
            "code" | "owner" | "tags" | "others" | "terms" => return None,
            // Longer than any but the notes may be.
            _ if random.percent(10) => json!("x".repeat(200)),
            _ => json!(self.token()),
        };
        (!sides.contains(&&value)).then_some(value)
    }

    /// A decision was made, or was not taken.
    pub fn decided(&mut self, (device, context): (usize, usize), all: &[Chosen], result: Result<Decided, SettleError>) {
        let decided = match result {
            Ok(decided) => decided,
            Err(SettleError::Store(fieldsync::ports::StoreError::Corrupt(store, what))) => {
                return self.fail("I4 what is written can be read", format!("{store:?}: {what}"));
            }
            Err(SettleError::Moved) => return self.sim.count("decision", "moved since"),
            Err(SettleError::Invalid(_)) => return self.sim.count("decision", "breaks a rule"),
            Err(_) => return,
        };
        let is_taken =
            |chosen: &&Chosen| !decided.moved.contains(&chosen.decision.id) && !decided.unfit.contains(&chosen.decision.id);
        let taken: Vec<&Chosen> = all.iter().filter(is_taken).collect();
        if !decided.unfit.is_empty() {
            self.sim.count("decision", "breaks a rule");
        }
        if taken.len() > 1 {
            self.sim.count("decision", "several at once");
        }
        for chosen in taken {
            self.count_decision(chosen);
            let oracle = self.sim.oracle.borrow();
            let of = |row| oracle.all.get(row).filter(|change: &&Change| change.record == chosen.decision.id);
            let wrong = unheard(chosen, decided.undo.appended.iter().find_map(of));
            drop(oracle);
            if let Some(why) = wrong {
                self.fail("I7 what a person chose stands", why);
            }
        }
        self.devices[device].tabs[context].undo.push(decided.undo);
    }

    fn count_decision(&self, chosen: &Chosen) {
        let whole = chosen.decision.choices.get(WHOLE);
        let is_theirs = whole == Some(&Choice::Theirs);
        match chosen.kind {
            _ if whole == Some(&Choice::Two) => return self.sim.count("decision", "these are two"),
            ConflictKind::DeletedByThem if is_theirs => self.sim.count("decision", "deleted by them, accepted"),
            ConflictKind::DeletedByThem => self.sim.count("decision", "deleted by them, restored"),
            ConflictKind::DeletedByMe if is_theirs => self.sim.count("decision", "deleted by me, kept"),
            ConflictKind::DeletedByMe => self.sim.count("decision", "deleted by me, deleted"),
            ConflictKind::Fields => {}
        }
        for name in &chosen.asked {
            match chosen.decision.choices.get(name) {
                Some(Choice::Mine) => self.sim.count("decision", "mine"),
                Some(Choice::Theirs) => self.sim.count("decision", "theirs"),
                Some(Choice::Value(_)) => self.sim.count("decision", "another"),
                Some(Choice::Two) | None => {}
            }
            let collection = self.server.schema.collection(&chosen.decision.collection);
            if let Some(spec) = collection.and_then(|collection| collection.fields.get(field_of(name))) {
                let asked = match spec.policy {
                    _ if name.contains('.') => "member",
                    Policy::Latest => "latest",
                    Policy::Append => "append",
                    Policy::Ask if spec.refers_to.is_some() => "reference",
                    Policy::Ask if !spec.values.is_empty() => "stage",
                    Policy::Ask => "text",
                    _ => "another policy",
                };
                self.sim.count("asked", asked);
            }
        }
    }
}

/// What of a choice is not in the change that stands for it; none stands for what is theirs.
fn unheard(chosen: &Chosen, appended: Option<&Change>) -> Option<String> {
    let choices = &chosen.decision.choices;
    let is_other = match (choices.get(WHOLE), appended.map(|change| change.action)) {
        (Some(Choice::Two), _) => return None,
        (Some(Choice::Theirs), action) => action.is_some(),
        (Some(_), action) => !matches!(action, Some(Action::Create | Action::Delete)),
        (None, action) => !matches!(action, Some(Action::Update) | None),
    };
    let is_unheard = |name: &&String| {
        let writes = appended.filter(|change| change.written.contains_key(field_of(name)));
        let is = writes.map(|change| at(&change.written, name));
        match choices.get(*name) {
            Some(Choice::Theirs) => writes.is_some_and(|change| !same(at(&change.written, name), at(&change.seen.fields, name))),
            // What nobody had can only be there as it was chosen.
            Some(Choice::Value(value)) => is.map_or(is_token(value), |is| !same(is, value)),
            _ => false,
        }
    };
    let name = chosen.asked.iter().find(is_unheard);
    (is_other || name.is_some()).then(|| format!("{:?} came to {appended:?}: {name:?}", chosen.decision))
}
