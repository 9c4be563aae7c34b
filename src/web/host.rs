//! The host: the browser's clock, chance and sleep. Works in a page and in a worker.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};

use gloo_timers::future::TimeoutFuture;
use js_sys::{Date, Uint8Array};

use super::bindings::get_random_values;
use crate::core::record::{Millis, RecordId};
use crate::ports::Host;

/// Longest single timer: a sleeping device stops timers, so a long sleep looks at the clock now and then.
const TIMER_MS_MAX: i64 = 60_000;

/// The browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserHost;

impl BrowserHost {
    /// A new id: UUID v7 of now.
    #[must_use]
    pub fn new_id(&self) -> RecordId {
        RecordId::new(self.now(), [self.random(), self.random()])
    }
}

impl Host for BrowserHost {
    fn now(&self) -> Millis {
        // Milliseconds since 1970 are whole numbers far below 2^53.
        #[allow(clippy::cast_possible_truncation)]
        Millis(Date::now() as i64)
    }

    fn random(&self) -> u64 {
        let bytes = Uint8Array::new_with_length(8);
        // Eight bytes are within the quota, the only thing that it throws for.
        let _ = get_random_values(&bytes);
        let mut filled = [0; 8];
        bytes.copy_to(&mut filled);
        u64::from_le_bytes(filled)
    }

    async fn sleep_until(&self, at: Millis) {
        loop {
            let left_ms = at.since(self.now());
            if left_ms <= 0 {
                return;
            }
            // Clamped just now, so it fits.
            TimeoutFuture::new(u32::try_from(left_ms.min(TIMER_MS_MAX)).unwrap_or(1)).await;
        }
    }
}

/// What the future gives within this time; `None` if the time is up first. The future is dropped then.
pub async fn within<T>(limit_ms: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = pin!(TimeoutFuture::new(limit_ms));
    std::future::poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// A value that somebody puts down once and somebody else waits for.
#[derive(Debug)]
pub struct Slot<T>(Rc<RefCell<(Option<T>, Option<Waker>)>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new((None, None))))
    }
}

impl<T> Slot<T> {
    /// Puts the value down; the first one stays.
    pub fn put(&self, value: T) {
        let waker = {
            let mut slot = self.0.borrow_mut();
            slot.0.get_or_insert(value);
            slot.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for it, and takes it.
    pub async fn take(&self) -> T {
        std::future::poll_fn(|context| {
            let mut slot = self.0.borrow_mut();
            match slot.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    slot.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// What `work` gives, or what is put down before that. The work is dropped then.
    pub async fn or<F: Future<Output = T>>(&self, work: F) -> T {
        let mut work = pin!(work);
        let mut put = pin!(self.take());
        std::future::poll_fn(|context| {
            let put: Pin<&mut _> = put.as_mut();
            if let Poll::Ready(value) = put.poll(context) {
                return Poll::Ready(value);
            }
            work.as_mut().poll(context)
        })
        .await
    }
}
