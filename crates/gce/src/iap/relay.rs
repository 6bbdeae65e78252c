//! One connection through the relay: bytes are kept until they are acknowledged, and a websocket that breaks is followed
//! by another that goes on where it stopped.

use super::frame::{Frame, MOST_DATA};
use super::websocket::{WebSocket, open};
use super::{CALL, Target};
use crate::retry::Pauses;
use crate::{Error, Kind, Result};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// So many bytes arrive before we say that they did.
const ACKNOWLEDGED_AFTER: u64 = 2 * MOST_DATA as u64;
/// So many bytes may wait in either direction: 4 MiB on their way fill 300 Mbit/s over 100 ms.
const WINDOW: usize = 4 * 1024 * 1024;
/// How long a broken connection is tried to take up again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A local connection and its counterpart at the machine.
pub(super) struct Relay<'a> {
    link: Link<'a>,
    from_local: OwnedReadHalf,
    to_local: OwnedWriteHalf,
}

/// What both directions share.
struct Link<'a> {
    target: &'a Target,
    state: Mutex<State>,
    /// Wakes up the sender: there is something to acknowledge, or room in the window.
    changed: Notify,
}

/// What outlives a websocket.
#[derive(Default)]
struct State {
    /// The relay's name of this connection.
    name: Option<String>,
    /// Bytes that arrived from the machine.
    received: u64,
    /// How many of them we have acknowledged.
    acknowledged: u64,
    /// Those that the local side has not taken yet.
    arrived: VecDeque<u8>,
    /// How many of our bytes the relay has acknowledged, and those after them.
    confirmed: u64,
    unconfirmed: VecDeque<u8>,
}

/// How a websocket ended.
enum End {
    /// One side closed the connection.
    Closed,
    /// It broke, and another may follow.
    Broken(Error),
}

impl<'a> Relay<'a> {
    pub(super) fn new(target: &'a Target, local: TcpStream) -> Self {
        // Keys that are typed go as they come; if it can't be said, they go a little later.
        let _slower = local.set_nodelay(true);
        let (from_local, to_local) = local.into_split();
        Self { link: Link { target, state: Mutex::default(), changed: Notify::new() }, from_local, to_local }
    }

    /// Carries bytes until one side closes.
    ///
    /// # Errors
    /// Why the relay would not, or the last failure to take the connection up again.
    pub(super) async fn run(mut self) -> Result<()> {
        let mut pauses = Pauses::default();
        let mut broken_since: Option<Instant> = None;
        loop {
            let before = self.link.state().progress();
            let error = match self.link.open().await {
                Ok(websocket) => match self.carry(websocket).await? {
                    End::Closed => return Ok(()),
                    End::Broken(error) => error,
                },
                Err(error) => error,
            };
            // What never stood can't be taken up again: whoever knocks knocks again.
            if self.link.state().name.is_none() || error.kind != Kind::Transient {
                return Err(error);
            }
            if self.link.state().progress() > before {
                (broken_since, pauses) = (None, Pauses::default());
            }
            let pause = pauses.next(None);
            if broken_since.get_or_insert_with(Instant::now).elapsed() + pause > PATIENCE {
                return Err(error);
            }
            tracing::debug!("taken up again: {error}");
            tokio::time::sleep(pause).await;
        }
    }

    /// Carries bytes until this websocket ends.
    ///
    /// # Errors
    /// When the relay says that there is no use in another.
    async fn carry(&mut self, websocket: WebSocket) -> Result<End> {
        let (mut sink, mut stream) = websocket.split();
        // Until the relay has said where we stand, nothing may be sent.
        let greeting = match self.link.next(&mut stream).await {
            Ok(greeting) => greeting,
            Err(end) => return end,
        };
        let sent = self.link.greeted(&greeting)?;
        let end = tokio::select! {
            end = self.link.receive(&mut stream, &mut self.to_local) => end,
            end = self.link.send(&mut sink, &mut self.from_local, sent) => end,
        };
        if matches!(end, Ok(End::Closed)) {
            // If it can't be said, the other side sees the connection go.
            let _unsaid = sink.close().await;
        }
        end
    }
}

impl State {
    /// Grows whenever anything gets through.
    fn progress(&self) -> u64 {
        self.received + self.confirmed
    }

    /// Forgets what has arrived at the relay. False when it claims more than we have read.
    fn confirm(&mut self, bytes: u64) -> bool {
        // Less than what we know already is late, not wrong.
        let new = usize::try_from(bytes.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        if new > self.unconfirmed.len() {
            return false;
        }
        self.unconfirmed.drain(..new);
        self.confirmed = self.confirmed.max(bytes);
        true
    }

    /// The next of our bytes, when so many in all are sent.
    fn unsent(&self, sent: u64) -> Vec<u8> {
        let known = usize::try_from(sent.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        self.unconfirmed.iter().skip(known).take(MOST_DATA).copied().collect()
    }
}

impl Link<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(CALL, self.target.resource(), kind, message)
    }

    fn broken(&self, why: &str) -> Result<End> {
        Ok(End::Broken(self.error(Kind::Transient, format!("the connection to the relay broke: {why}"))))
    }

    async fn open(&self) -> Result<WebSocket> {
        let target = self.target;
        let name = self.state().name.clone();
        let Some(name) = name else {
            let port = target.port.to_string();
            let query = [
                ("project", &*target.project),
                ("zone", &target.zone),
                ("instance", &target.instance),
                ("interface", "nic0"),
                ("port", &port),
                ("newWebsocket", "True"),
            ];
            return open(target, "connect", &query).await;
        };
        let received = self.state().received.to_string();
        let query = [("sid", &*name), ("ack", &received), ("zone", &target.zone), ("newWebsocket", "True")];
        open(target, "reconnect", &query).await
    }

    /// Reads the relay's first message. Returns how many bytes of ours in all have arrived.
    ///
    /// # Errors
    /// When it is neither greeting, or does not fit to what we know.
    fn greeted(&self, message: &[u8]) -> Result<u64> {
        let mut state = self.state();
        match Frame::split(message).0 {
            Some(Frame::Connected(name)) if state.name.is_none() => {
                state.name = Some(name.to_owned());
                Ok(0)
            }
            Some(Frame::Reconnected(bytes)) if state.name.is_some() && state.confirm(bytes) => {
                // It knows by the address what had arrived.
                state.acknowledged = state.received;
                Ok(bytes)
            }
            other => Err(self.error(Kind::Other, format!("the relay begins with {other:?}"))),
        }
    }

    /// The next message that has bytes.
    ///
    /// # Errors
    /// How the websocket ended.
    async fn next(&self, stream: &mut SplitStream<WebSocket>) -> std::result::Result<Vec<u8>, Result<End>> {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes.into()),
                Some(Ok(Message::Close(frame))) => return Err(self.closed(frame.as_ref())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.broken(&error.to_string())),
                None => return Err(self.broken("it is gone")),
            }
        }
    }

    /// Takes what the relay sends, and gives the data to the local side. May be dropped at any time: what is not given
    /// yet stays in the state.
    async fn receive(&self, stream: &mut SplitStream<WebSocket>, to_local: &mut OwnedWriteHalf) -> Result<End> {
        // What to end with as soon as the local side has taken everything.
        let mut end = None;
        loop {
            let (piece, has_room) = {
                let state = self.state();
                let piece: Vec<u8> = state.arrived.iter().take(MOST_DATA).copied().collect();
                (piece, state.arrived.len() < WINDOW)
            };
            if piece.is_empty()
                && let Some(end) = end
            {
                return end;
            }
            tokio::select! {
                taken = to_local.write(&piece), if !piece.is_empty() => match taken {
                    Ok(0) | Err(_) => return Ok(End::Closed),
                    Ok(taken) => drop(self.state().arrived.drain(..taken)),
                },
                message = self.next(stream), if has_room && end.is_none() => match message {
                    Ok(message) => self.take(&message)?,
                    Err(other) => end = Some(other),
                },
            }
        }
    }

    /// Takes the frames of a message.
    ///
    /// # Errors
    /// When the relay claims to have got what was never sent.
    fn take(&self, message: &[u8]) -> Result<()> {
        let mut state = self.state();
        let mut rest = message;
        while !rest.is_empty() {
            let (frame, after) = Frame::split(rest);
            rest = after;
            match frame {
                Some(Frame::Data(data)) => {
                    state.received += data.len() as u64;
                    state.arrived.extend(data);
                }
                Some(Frame::Acknowledged(bytes)) if !state.confirm(bytes) => {
                    let message = format!("the relay acknowledges {bytes} bytes, which were never sent");
                    return Err(self.error(Kind::Other, message));
                }
                // What a newer relay may say beside is nothing to us.
                _ => {}
            }
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Sends acknowledgements, what has to be sent again, and what comes from the local side. May be dropped at any
    /// time: what is read is in the state before it is sent.
    async fn send(
        &self,
        sink: &mut SplitSink<WebSocket, Message>,
        from_local: &mut OwnedReadHalf,
        mut sent: u64,
    ) -> Result<End> {
        let mut buffer = vec![0; MOST_DATA];
        loop {
            let (due, data, has_room) = {
                let mut state = self.state();
                let due = (state.received - state.acknowledged > ACKNOWLEDGED_AFTER).then_some(state.received);
                state.acknowledged = due.unwrap_or(state.acknowledged);
                (due, state.unsent(sent), state.unconfirmed.len() < WINDOW)
            };
            let frame = match due {
                Some(bytes) => Frame::Acknowledged(bytes),
                None if !data.is_empty() => Frame::Data(&data),
                None => {
                    tokio::select! {
                        () = self.changed.notified() => {}
                        read = from_local.read(&mut buffer), if has_room => match read {
                            Ok(0) | Err(_) => return Ok(End::Closed),
                            Ok(length) => self.state().unconfirmed.extend(&buffer[..length]),
                        },
                    }
                    continue;
                }
            };
            if let Frame::Data(data) = frame {
                sent += data.len() as u64;
            }
            if let Err(error) = sink.send(Message::Binary(frame.bytes().into())).await {
                return self.broken(&error.to_string());
            }
        }
    }

    /// What the code means by which the relay closes a websocket.
    ///
    /// # Errors
    /// When there is no use in another.
    fn closed(&self, frame: Option<&CloseFrame>) -> Result<End> {
        let Some(frame) = frame else { return self.broken("it was closed without a reason") };
        let code = u16::from(frame.code);
        let (kind, meaning) = match code {
            // The last two: the machine's side went away while it was written to or read from.
            1000 | 4009 | 4010 => return Ok(End::Closed),
            4003 => (
                Kind::Other,
                "nothing answers at the port: its program does not run yet, or no firewall rule lets `35.235.240.0/20` in",
            ),
            4033 => (Kind::Forbidden, "the account may not go through Identity-Aware Proxy"),
            4047 => (Kind::NotFound, "there is no such instance, or it does not run yet"),
            // A session that is unknown or used elsewhere, wrong acknowledgements, nonsense: it would meet the same.
            4001 | 4002 | 4005..=4008 | 4013 | 4074 => (Kind::Other, "the relay does not go on with this connection"),
            // It goes away for maintenance, has trouble within, or wants a newer token.
            _ => (Kind::Transient, "the relay closed the connection"),
        };
        let said = if frame.reason.is_empty() { String::new() } else { format!(": {}", frame.reason) };
        let error = Error { reason: code.to_string(), ..self.error(kind, format!("{meaning}{said}")) };
        // What advice is made of: the role `roles/iap.tunnelResourceAccessor` has it.
        let details = [("permission", "iap.tunnelInstances.accessViaIAP"), ("project", &*self.target.project)];
        let error = error.with_details(details.map(|(key, value)| (key.to_owned(), value.to_owned())));
        if kind == Kind::Transient { Ok(End::Broken(error)) } else { Err(error) }
    }
}
