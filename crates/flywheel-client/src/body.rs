//! Bodies on their way out: exactly as long as announced, counted, and watched for standstill.
//!
//! Owns what goes wrong on this side while a body is produced. A body never passes for whole
//! when it is not.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use crate::error::{RequestError, RequestFailure};
use crate::pace::Pace;

/// Chunks of a file. An error fails the upload and is handed back with
/// [`RequestFailure::Body`](crate::RequestFailure::Body).
pub type BodyStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Told how many bytes were handed to the network since the last call; bytes of a repeated try
/// count again.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// A server may take this long to put away what it received, in addition to the idle time: a second
/// for each of these.
const BYTES_PUT_AWAY_PER_SECOND: u64 = 8 * 1024 * 1024;

/// Watches one exchange: when something last moved, and whether this side failed.
pub struct Gauge {
    start: Instant,
    idle: Duration,
    length: u64,
    /// Milliseconds after `start` at which a chunk was last taken.
    moved: AtomicU64,
    /// The whole body was taken; the server is working on it.
    handed_over: AtomicBool,
    fault: Mutex<Option<RequestFailure>>,
}

impl Gauge {
    pub fn new(idle: Duration, length: u64) -> Arc<Self> {
        let (moved, handed_over) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self {
            start: Instant::now(),
            idle,
            length,
            moved,
            handed_over,
            fault: Mutex::new(None),
        })
    }

    /// Waits for `answer` as long as something moves now and then.
    pub async fn watch<T>(
        &self,
        host: &str,
        answer: impl Future<Output = T>,
    ) -> Result<T, RequestError> {
        tokio::pin!(answer);
        loop {
            let deadline = self.deadline();
            tokio::select! {
                done = &mut answer => return Ok(done),
                () = tokio::time::sleep_until(deadline) => if self.deadline() <= Instant::now() {
                    return Err(RequestFailure::Stalled { host: host.to_owned(), seconds: self.idle.as_secs() }.into());
                }
            }
        }
    }

    /// The request goes out only now.
    pub fn begins(&self) {
        self.moves(Instant::now());
    }

    fn deadline(&self) -> Instant {
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        let working = if self
            .handed_over
            .load(Ordering::Relaxed)
        {
            self.length / BYTES_PUT_AWAY_PER_SECOND
        } else {
            0
        };
        self.start + moved + self.idle + Duration::from_secs(working)
    }

    /// Something moves at `when`. A time to come is one until which the body is held back
    /// on this side: the server is not to blame.
    fn moves(&self, when: Instant) {
        let after = when
            .saturating_duration_since(self.start)
            .as_millis();
        self.moved
            .store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What went wrong on this side, if that is why the exchange failed.
    pub fn own_fault(&self) -> Option<RequestError> {
        self.fault()
            .take()
            .map(RequestError::from)
    }

    fn fail(&self, fault: RequestFailure) -> io::Error {
        *self.fault() = Some(fault);
        io::Error::other("the body could not be produced")
    }

    fn fault(&self) -> MutexGuard<'_, Option<RequestFailure>> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that yields exactly the announced number of bytes or fails, at the pace that is
/// allowed.
pub struct Exact {
    inner: BodyStream,
    left: u64,
    gauge: Arc<Gauge>,
    progress: Option<Progress>,
    pace: Option<Arc<Pace>>,
    /// What was produced and may not go yet, and until when its first piece waits.
    held: Bytes,
    until: Option<Pin<Box<Sleep>>>,
}

impl Exact {
    pub fn new(
        inner: BodyStream,
        length: u64,
        gauge: Arc<Gauge>,
        progress: Option<Progress>,
        pace: Option<Arc<Pace>>,
    ) -> Self {
        Self {
            inner,
            left: length,
            gauge,
            progress,
            pace,
            held: Bytes::new(),
            until: None,
        }
    }

    fn take(&mut self, chunk: Bytes) -> io::Result<Bytes> {
        let length = chunk.len() as u64;
        self.left = self
            .left
            .checked_sub(length)
            .ok_or_else(|| {
                self.gauge
                    .fail(RequestFailure::BodyLength)
            })?;
        self.gauge.moves(Instant::now());
        self.gauge
            .handed_over
            .store(self.left == 0, Ordering::Relaxed);
        if let Some(progress) = &self.progress {
            progress(length);
        }
        Ok(chunk)
    }

    /// The next piece of what is held, once its time has come.
    fn poll_held(&mut self, pace: &Pace, context: &mut Context<'_>) -> Poll<Bytes> {
        let length = self.held.len().min(pace.piece());
        let until = self.until.get_or_insert_with(|| {
            let due = pace.reserve(length, Instant::now());
            self.gauge.moves(due);
            Box::pin(tokio::time::sleep_until(due))
        });
        ready!(until.as_mut().poll(context));
        self.until = None;
        Poll::Ready(self.held.split_to(length))
    }
}

impl Stream for Exact {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while self.held.is_empty() {
            let fault = match ready!(
                self.inner
                    .as_mut()
                    .poll_next(context)
            ) {
                Some(Ok(chunk)) => {
                    self.held = chunk;
                    continue;
                }
                Some(Err(fault)) => RequestFailure::Body(Arc::new(fault)),
                None if self.left > 0 => RequestFailure::BodyLength,
                None => return Poll::Ready(None),
            };
            return Poll::Ready(Some(Err(self.gauge.fail(fault))));
        }
        let piece = match self.pace.clone() {
            Some(pace) => ready!(self.poll_held(&pace, context)),
            None => std::mem::take(&mut self.held),
        };
        Poll::Ready(Some(self.take(piece)))
    }
}

/// A body that is sent in several requests, one after the other, without being produced anew for
/// each.
pub struct Cursor {
    stream: BodyStream,
    rest: Bytes,
    /// Where in the body the next byte lies.
    at: u64,
}

impl Cursor {
    pub fn new(stream: BodyStream) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            stream,
            rest: Bytes::new(),
            at: 0,
        }))
    }

    /// The next bytes, at most `limit`.
    fn poll_some(
        &mut self,
        context: &mut Context<'_>,
        limit: u64,
    ) -> Poll<Option<io::Result<Bytes>>> {
        while self.rest.is_empty() {
            match ready!(
                self.stream
                    .as_mut()
                    .poll_next(context)
            ) {
                Some(Ok(chunk)) => self.rest = chunk,
                ended => return Poll::Ready(ended),
            }
        }
        let length = self
            .rest
            .len()
            .min(usize::try_from(limit).unwrap_or(usize::MAX));
        self.at += length as u64;
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

/// The piece of a body that starts at `from`. The cursor must not be past it.
pub struct Piece {
    cursor: Arc<Mutex<Cursor>>,
    from: u64,
    end: u64,
}

impl Piece {
    pub fn new(cursor: &Arc<Mutex<Cursor>>, from: u64, length: u64) -> Self {
        Self {
            cursor: Arc::clone(cursor),
            from,
            end: from + length,
        }
    }
}

impl Stream for Piece {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut cursor = self
            .cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while cursor.at < self.from {
            let gap = self.from - cursor.at;
            match ready!(cursor.poll_some(context, gap)) {
                Some(Ok(_)) => {}
                ended => return Poll::Ready(ended),
            }
        }
        match self.end.saturating_sub(cursor.at) {
            0 => Poll::Ready(None),
            left => cursor.poll_some(context, left),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn body(chunks: &[&'static [u8]]) -> BodyStream {
        Box::pin(futures_util::stream::iter(
            chunks
                .iter()
                .map(|chunk| Ok(Bytes::from_static(chunk)))
                .collect::<Vec<_>>(),
        ))
    }

    async fn read(stream: impl Stream<Item = io::Result<Bytes>>) -> io::Result<Vec<u8>> {
        let mut stream = Box::pin(stream);
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_body_that_is_not_as_long_as_announced_fails() {
        for (length, good) in [(5, true), (4, false), (6, false)] {
            let gauge = Gauge::new(Duration::from_secs(1), length);
            let chunks = body(&[b"abc", b"de"]);
            let exact = Exact::new(chunks, length, Arc::clone(&gauge), None, None);
            assert_eq!(read(exact).await.is_ok(), good, "{length}");
            assert_eq!(gauge.own_fault().is_some(), !good, "{length}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_no_standstill_but_a_stuck_one_is() {
        let idle = Duration::from_millis(400);
        for (pause, good) in [(399, true), (401, false)] {
            let slow = futures_util::stream::iter(0..20).then(move |_| async move {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                Ok(Bytes::from_static(b"x"))
            });
            let gauge = Gauge::new(idle, 20);
            let exact = Exact::new(Box::pin(slow), 20, Arc::clone(&gauge), None, None);
            let sent = gauge.watch("h", read(exact)).await;
            assert_eq!(sent.is_ok_and(|read| read.is_ok()), good, "{pause}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_paced_body_goes_in_pieces_and_holding_it_back_is_no_standstill() {
        let (idle, pace) = (Duration::from_millis(60), Arc::new(Pace::new(40 * 1024)));
        // A piece of another body comes first and takes many times the idle time.
        pace.reserve(4 * 1024, Instant::now());
        let length = 3 * 4096;
        let gauge = Gauge::new(idle, length);
        let whole: &'static [u8] = &[7; 3 * 4096];
        let held = Some(Arc::clone(&pace));
        let exact = Exact::new(body(&[whole]), length, Arc::clone(&gauge), None, held);
        let pieces: Vec<usize> = gauge
            .watch(
                "h",
                exact
                    .map(|piece| piece.unwrap().len())
                    .collect(),
            )
            .await
            .unwrap();
        assert_eq!(pieces, [4096, 4096, 4096]);
    }

    #[tokio::test]
    async fn pieces_follow_each_other_and_a_new_cursor_skips_ahead() {
        let chunks: &[&'static [u8]] = &[b"abc", b"", b"defg", b"h"];
        let cursor = Cursor::new(body(chunks));
        assert_eq!(
            read(Piece::new(&cursor, 0, 4))
                .await
                .unwrap(),
            b"abcd"
        );
        assert_eq!(
            read(Piece::new(&cursor, 4, 4))
                .await
                .unwrap(),
            b"efgh"
        );
        let anew = Cursor::new(body(chunks));
        assert_eq!(
            read(Piece::new(&anew, 5, 3))
                .await
                .unwrap(),
            b"fgh"
        );
    }
}
