//! Deliberate faults, to show that the simulation sees them. Each breaks one promise at the place that keeps it; without
//! the feature `simulation` none of them is in the build.
//!
//! It stands beside the rings and not in `core`: the switch is state, and all rings and the server ask it.

#[cfg(feature = "simulation")]
use crate::core::machine::{Event, State};

/// Declares the mutations: each with its sentence, and with the invariants of which one must catch it.
macro_rules! mutations {
    ($($(#[doc = $what:literal])+ $name:ident => [$($expected:literal),+],)+) => {
        /// One fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($(#[doc = $what])+ $name,)+
        }

        #[cfg(feature = "simulation")]
        impl Mutation {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What it does wrong, in a sentence.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($what),+).trim_ascii(),)+
                }
            }

            /// The numbers of the invariants that this breaks: one of them must catch it.
            #[must_use]
            pub fn expected(self) -> &'static [&'static str] {
                match self {
                    $(Self::$name => &[$($expected),+],)+
                }
            }
        }
    };
}

mutations! {
    /// A save does not wait for the disk.
    RelaxedSave => ["I1"],
    /// A save that found the storage full says that it is kept.
    FullIsKept => ["I1"],
    /// A save notes what the base has now as what the form showed.
    SeenAtSave => ["I7"],
    /// Save pressed again saves again.
    SavedTwice => ["I1", "I4", "I8"],
    /// A change leaves the outbox without an end in history.
    EndUnwritten => ["I2"],
    /// An end is written, and the change stays in the outbox.
    ChangeStays => ["I8"],
    /// An end is written twice.
    EndedTwice => ["I8"],
    /// A change ends as confirmed when it is sent, before the answer.
    EndAtBegin => ["I8", "I2"],
    /// The end of an answered change does not wait for the disk.
    RelaxedAnswer => ["I8"],
    /// An open parcel is brought up to the newest base before it is sent again.
    OpenParcelAltered => ["I2"],
    /// A parcel whose answer was lost is sent again under a new op_id.
    NewOpIdForOpen => ["I13", "I2"],
    /// A refused change is tried again under its spent op_id.
    SpentOpId => ["I2", "I5"],
    /// What is taken back while its outcome is unknown ends at once.
    DiscardedUnasked => ["I13", "I8"],
    /// What was applied before it could be taken back ends as taken back.
    AppliedIsDiscarded => ["I8"],
    /// The cursor is committed first, and then its page.
    CursorFirst => ["I4", "I11"],
    /// What was written while the pages were read is not read again at the end.
    LoadUnended => ["I4", "I11", "I15"],
    /// A page is applied whatever was pulled since it was asked for.
    PageUncompared => ["I4", "I11"],
    /// A base is replaced by any entry, also an older one of a page that was asked for before a push.
    OlderReplaces => ["I4", "I11"],
    /// Bases are ordered by their version.
    OrderedByVersion => ["I4", "I11"],
    /// A collection that is added counts as here with the first page of its snapshot.
    WiderTooSoon => ["I4", "I11"],
    /// What is narrowed away goes although unsent changes build on it.
    UnsentEvicted => ["I15", "I7"],
    /// What is outside of the selection is written as if it were in it.
    OutsideListed => ["I15", "I11"],
    /// A begin and an answer take memory's bases for the store's, whoever has written since.
    MemoryUnchecked => ["I4", "I11", "I15"],
    /// The next batch is begun over the outbox from before the answer that it is begun with.
    NextOverEnded => ["I8"],
    /// A save says what was foreseen of its record, whatever happened meanwhile.
    ForeseenUnchecked => ["I7"],
    /// The word that a record was deleted or lost is passed over.
    TombstonesDropped => ["I11"],
    /// A field that both changed becomes mine, and nobody is asked.
    MineWins => ["I7"],
    /// A field that both changed becomes theirs, and nobody is asked.
    TheirsWins => ["I7", "I8"],
    /// A stage that both changed becomes mine, and nobody is asked.
    StageIsMine => ["I7"],
    /// A reference that both changed becomes mine, and nobody is asked.
    ReferenceIsMine => ["I7"],
    /// Of two numbers or two stages the one that does not stand is not told.
    OrderUntold => ["I7"],
    /// A field that adds up is written as it stands.
    SumIsPlain => ["I7"],
    /// What somebody took out of a list is in it again.
    UnionKeepsAll => ["I7"],
    /// A text that somebody wrote anew is joined as if it had only been added to.
    AppendUnchecked => ["I7"],
    /// Of two stages the one less far stands.
    ForwardIsBackward => ["I7"],
    /// Of two numbers the wrong one stands.
    GreaterIsLess => ["I7"],
    /// The later edit stands, by a clock that nobody knows.
    LatestTrustsAny => ["I7"],
    /// The later edit stands, by a clock that was set about it.
    JumpBelieved => ["I7"],
    /// An object that is merged by member is mine whole, and theirs goes with it.
    MembersAreWhole => ["I7"],
    /// What I delete goes, whatever they changed since.
    DeleteOverEdit => ["I7"],
    /// What I delete goes, whatever they changed of what rules decide about.
    DeleteOverRuled => ["I7"],
    /// What I edit is there again, although they deleted it, and nobody is asked.
    EditOverDelete => ["I7"],
    /// What a rule set aside is not told.
    SetAsideUntold => ["I7"],
    /// A decision stands although theirs moved since it was shown.
    DecidedUnseen => ["I7"],
    /// A person chose neither mine nor theirs, and gets mine.
    ChosenUnheard => ["I7"],
    /// Two records that were one stay so for what names mine.
    TwoUnfollowed => ["I7"],
    /// What met theirs is brought up to date by the answer: it ends, and a change that saw theirs is in its place.
    AnswerAppends => ["I3"],
    /// What a person decided is written over the base, before the server has it.
    DecidedIsBase => ["I3"],
    /// An answer takes memory's outbox and parcels for the store's, as if nobody else were at work.
    AloneAssumed => ["I6"],
    /// What was saved together is sent apart.
    GroupsApart => ["I5"],
    /// That a change is known to the server already is passed over.
    KnownIgnored => ["I11"],
    /// Some changes of a parcel are known to the server, and all of them end.
    KnownIsAll => ["I8"],
    /// A try that our server puts off is taken for its refusal.
    LaterIsRefused => ["I13"],
    /// A proxy's 403 is taken for our server's refusal.
    ProxyRefuses => ["I13"],
    /// What is done only with an answer of the server is shown as done before it comes.
    OnlineShown => ["I14"],
    /// The worker sends what a person waits for.
    OnlineByWorker => ["I14"],
    /// An answer for another user is taken.
    AnyUser => ["I11", "I13"],
    /// An outage counts as an attempt of the change that was under way.
    OutageCounts => ["S6"],
    /// A batch that the server fails on is sent whole for ever.
    NeverHalved => ["I12"],
    /// Who says "come again in a year" is waited for so long.
    WaitBelieved => ["I10"],
    /// A change is held back as long as was asked.
    HoldBelieved => ["I10"],
    /// What a restored server lacks is not pushed again.
    RestoredUntold => ["I8", "I11"],
    /// The server does what it has answered for good before.
    LedgerSkipped => ["I5", "I8"],
    /// The server applies changes that it applied under another op_id.
    RowsIgnored => ["I5"],
    /// The server does not note what it answered.
    LedgerUnwritten => ["I5"],
    /// The server keeps what a refused parcel wrote before it failed.
    HalfIsKept => ["I5"],
    /// The server forgets that it promised never to apply a parcel.
    VoidUnwritten => ["I8"],
    /// The server writes over a record that moved on.
    MovedOver => ["I7"],
    /// The server compares versions, and not what the device saw.
    ValuesUncompared => ["I7"],
    /// The server does not tell who lost a record.
    LossUntold => ["I11"],
    /// A push says that nothing is open.
    OpenUntold => ["I8"],
    /// The server does not tell what was open in a store that is gone.
    GoneUntold => ["I8"],
    /// The server counts as lost what it has answered.
    AnsweredIsLost => ["I8"],
    /// What the server says was lost is not noted.
    LossUnheard => ["I8"],
}

#[cfg(feature = "simulation")]
thread_local! {
    // A simulation runs seeds in several threads: each has its own.
    static ON: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
    // Which cells of the machine's table were met: see [`watched`].
    static STEPS: std::cell::RefCell<Vec<(State, Event)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Notes a step of the machine.
#[cfg(feature = "simulation")]
pub fn watch(state: State, event: Event) {
    STEPS.with_borrow_mut(|steps| steps.push((state, event)));
}

/// The steps of the machine in this thread since the last call.
#[cfg(feature = "simulation")]
#[must_use]
pub fn watched() -> Vec<(State, Event)> {
    STEPS.take()
}

/// Turns one on in this thread, or all off.
#[cfg(feature = "simulation")]
pub fn set(mutation: Option<Mutation>) {
    ON.set(mutation);
}

/// Whether this one is on.
#[cfg(feature = "simulation")]
#[must_use]
pub fn is(mutation: Mutation) -> bool {
    ON.get() == Some(mutation)
}

/// None is ever on.
#[cfg(not(feature = "simulation"))]
#[must_use]
pub const fn is(_: Mutation) -> bool {
    false
}
