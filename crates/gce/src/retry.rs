//! Sending again what may be sent again: after lost answers, too many requests, and a server's trouble.

use crate::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;

/// The pauses between attempts: at random up to this, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// No attempt begins later than this after the first.
const PATIENCE: Duration = Duration::from_secs(30);

/// An attempt that failed, and how long Google asks to wait before the next.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) retry_after: Option<Duration>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

/// The value of a `Retry-After` header in seconds; its other form, a date, is not read.
pub(crate) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Makes attempts until one succeeds, is refused for good, or patience ends. What changes something has to be the same
/// request each time, with the same request id, so that it happens once.
///
/// # Errors
/// The last attempt's.
// Not `AsyncFnMut`: nothing can say of its futures that they may move to another thread.
pub(crate) async fn retried<T, F>(mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = std::result::Result<T, Refusal>>,
{
    let begun = Instant::now();
    let mut pauses = Pauses::default();
    loop {
        let Refusal { error, retry_after } = match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(refusal) => refusal,
        };
        let pause = pauses.next(retry_after);
        if !error.may_be_sent_again() || begun.elapsed() + pause > PATIENCE {
            return Err(error);
        }
        tracing::debug!(call = error.call, resource = error.resource, %error, ?pause, "sent again");
        tokio::time::sleep(pause).await;
    }
}

/// How long to wait between attempts: longer each time, and never in step with other builds.
#[derive(Default)]
pub(crate) struct Pauses {
    attempts: u32,
}

impl Pauses {
    /// The next pause; at least as long as Google asks for.
    pub(crate) fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let most = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_PAUSE);
        self.attempts += 1;
        most.mul_f64(0.5 + rand::random::<f64>() / 2.0).max(retry_after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use std::future::ready;

    fn refusal(status: u16, retry_after: Option<u64>) -> Refusal {
        let error = Error::new("instances.insert", "instance web", Kind::Other, "no").with_answer(Some(status), &[]);
        Refusal { error, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_is_borne_for_half_a_minute_and_a_refusal_not_at_all() {
        let begun = Instant::now();
        let mut attempts = 0;
        let error = retried(|| {
            attempts += 1;
            ready(Err::<(), _>(refusal(503, None)))
        })
        .await
        .unwrap_err();
        assert_eq!(error.to_string(), "instances.insert of instance web failed with 503: no");
        let waited = begun.elapsed().as_secs();
        assert!((20..=30).contains(&waited) && (8..16).contains(&attempts), "{attempts} attempts in {waited} s");

        for status in [400, 403, 404, 409, 412] {
            let mut attempts = 0;
            let result = retried(|| {
                attempts += 1;
                ready(Err::<(), _>(refusal(status, None)))
            });
            assert_eq!(result.await.unwrap_err().status, Some(status));
            assert_eq!(attempts, 1, "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn google_says_how_long_to_wait() {
        let begun = Instant::now();
        let mut answers = [Err(refusal(429, Some(7))), Ok("done")].into_iter();
        assert_eq!(retried(|| ready(answers.next().unwrap())).await.unwrap(), "done");
        assert_eq!(begun.elapsed().as_secs(), 7);

        // Longer than our patience: whoever asked shall know now.
        let begun = Instant::now();
        let error = retried(|| ready(Err::<(), _>(refusal(429, Some(60))))).await.unwrap_err();
        assert_eq!((error.kind, begun.elapsed().as_secs()), (Kind::Transient, 0));
    }
}
