//! The three ports as the simulation sees them: the shipped memory store, a network that the scheduler delivers, a clock
//! that it turns. Each can stop its caller, so that anything may happen between two steps.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use fieldsync::core::answer::classify;
use fieldsync::core::protocol::{Answer, Body, Request};
use fieldsync::core::record::{Millis, UserId};
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{
    Cause, Committed, Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError,
};

use crate::coverage::Coverage;
use crate::network::{Network, Reply};
use crate::oracle::Oracle;
use crate::random::Random;

/// What a stopped task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Its next turn.
    Turn,
    /// The answer to this packet.
    Packet(u64),
    /// A time of the true clock.
    Until(i64),
}

/// What everything in a world shares.
pub struct Shared {
    /// The true time.
    pub now: Cell<i64>,
    pub random: RefCell<Random>,
    /// How often a port stops its caller.
    pub stops_percent: Cell<u64>,
    /// What the task that was polled last waits for.
    pub wait: Cell<Wait>,
    /// The task that goes on now.
    pub doing: Cell<&'static str>,
    pub network: RefCell<Network>,
    pub oracle: RefCell<Oracle>,
    pub coverage: RefCell<Coverage>,
}

pub type Sim = Rc<Shared>;

impl Shared {
    pub fn count(&self, kind: &'static str, name: &'static str) {
        self.coverage.borrow_mut().count(kind, name);
    }

    /// Stops the caller until its next turn, or does not.
    pub fn turn(&self) -> Turn<'_> {
        let stops = self.random.borrow_mut().percent(self.stops_percent.get());
        Turn { sim: self, stops }
    }
}

/// See [`Shared::turn`].
pub struct Turn<'a> {
    sim: &'a Shared,
    stops: bool,
}

impl Future for Turn<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.stops) {
            self.sim.wait.set(Wait::Turn);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// The shipped store in memory, with a stop before and behind each transaction.
pub struct SimStore {
    pub inner: MemoryStore,
    pub sim: Sim,
}

impl SimStore {
    fn note(&self, error: &StoreError) {
        match error {
            StoreError::Full => self.sim.count("class", "storage full"),
            StoreError::Closed => self.sim.count("class", "storage closed"),
            _ => {}
        }
    }
}

impl Store for SimStore {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        // A save's transaction is queued with the click; everything else may be late.
        if scope.stores != [StoreName::Outbox] {
            self.sim.turn().await;
        }
        let done = self.inner.update(scope, plan).await.inspect_err(|error| self.note(error));
        self.sim.turn().await;
        done
    }

    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError> {
        self.sim.turn().await;
        self.inner.read(read).await.inspect_err(|error| self.note(error))
    }
}

/// Puts requests into the network and waits for the scheduler to bring an answer.
pub struct SimTransport {
    pub sim: Sim,
    pub device: usize,
    pub context: usize,
    pub user: UserId,
}

struct Waiting<'a> {
    sim: &'a Shared,
    packet: u64,
}

impl Future for Waiting<'_> {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
        match self.sim.network.borrow_mut().answers.remove(&self.packet) {
            Some(reply) => Poll::Ready(reply),
            None => {
                self.sim.wait.set(Wait::Packet(self.packet));
                Poll::Pending
            }
        }
    }
}

/// A request whose caller is gone has nobody to tell; it may still be on its way.
impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Ok(mut network) = self.sim.network.try_borrow_mut() {
            network.abandon(self.packet);
        }
    }
}

impl Transport for SimTransport {
    async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        if let Request::Push(push) = request {
            self.sim.oracle.borrow_mut().sent(self.device, self.context, &push.parcels);
            self.sim.oracle.borrow_mut().check_open(self.device, push);
        }
        let packet = self.sim.network.borrow_mut().send(self.device, self.user, request.clone());
        let reply = Waiting { sim: &self.sim, packet }.await;
        let answer = match reply {
            Reply::Nothing => Err(TransportError::Away { retry_after_ms: None, ours: false, cause: Cause::default() }),
            Reply::Http { status, retry_after, body } => {
                classify(request, status, retry_after.as_deref(), &body, self.user).map_err(TransportError::from)
            }
        };
        match &answer {
            Err(error) => self.sim.count("class", class(error)),
            Ok(answer) if answer.user != Some(self.user) => {
                self.sim
                    .oracle
                    .borrow_mut()
                    .fail("I13 only our server speaks", format!("an answer for {:?} was taken", answer.user));
            }
            Ok(answer) => {
                if let (Request::Push(_), Body::Push(told)) = (request, &answer.body) {
                    let lost = told.lost.iter().map(|lost| (lost.epoch, lost.changes)).collect();
                    self.sim.oracle.borrow_mut().heard_losses(self.device, lost);
                }
            }
        }
        answer
    }
}

fn class(error: &TransportError) -> &'static str {
    match error {
        TransportError::Away { .. } => "away",
        TransportError::SignedOut | TransportError::WrongUser => "signed out",
        TransportError::CursorUnknown { .. } => "cursor unknown",
        TransportError::TooLarge => "too large",
        TransportError::Unsupported => "unsupported",
        TransportError::Outdated => "outdated",
        TransportError::Misconfigured { .. } => "misconfigured",
    }
}

/// A device's clock: the true time, and how far it is off.
pub struct SimHost {
    pub sim: Sim,
    pub offset_ms: Rc<Cell<i64>>,
}

struct Sleeping<'a> {
    sim: &'a Shared,
    until: i64,
}

impl Future for Sleeping<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.sim.now.get() >= self.until {
            return Poll::Ready(());
        }
        self.sim.wait.set(Wait::Until(self.until));
        Poll::Pending
    }
}

impl Host for SimHost {
    fn now(&self) -> Millis {
        Millis(self.sim.now.get() + self.offset_ms.get())
    }

    fn random(&self) -> u64 {
        self.sim.random.borrow_mut().bits()
    }

    fn reserve_bytes(&self) -> usize {
        64
    }

    async fn sleep_until(&self, at: Millis) {
        Sleeping { sim: &self.sim, until: at.0 - self.offset_ms.get() }.await;
    }
}
