//! The relay's side, played by hand.

use super::frame::Frame;
use super::websocket::acceptance;
use super::*;
use crate::testing::Server;
use crate::{CredentialOptions, Endpoints, Options};
use futures_util::{SinkExt as _, StreamExt as _};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

/// A place for websockets, and a tunnel that leads there.
async fn opened() -> (TcpListener, Tunnel) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let iap = format!("ws://{}/iap/", listener.local_addr().unwrap());
    let endpoints = Endpoints { custom: BTreeMap::from([("iap".to_owned(), iap)]), universe_domain: String::new() };
    (listener, tunnel(endpoints).await)
}

async fn tunnel(endpoints: Endpoints) -> Tunnel {
    let credentials = CredentialOptions { access_token: Some("token-1".to_owned()), ..Default::default() };
    let gce = Gce::new(&Options { endpoints, credentials }).await.unwrap();
    gce.tunnel("p", "z", "web", 22, 0).await.unwrap()
}

/// The next websocket, and the request that it began with.
async fn accepted(listener: &TcpListener) -> (String, WebSocketStream<TcpStream>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        head.lines().find_map(|line| line.to_lowercase().starts_with(name).then(|| line[name.len()..].to_owned()))
    };
    let accept = acceptance(&header("sec-websocket-key: ").unwrap());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    let shown = ["authorization: ", "origin: ", "sec-websocket-protocol: "].map(|name| header(name).unwrap());
    let request = format!("{}\n{}", head.lines().next().unwrap(), shown.join(", "));
    (request, WebSocketStream::from_raw_socket(stream, Role::Server, None).await)
}

async fn say(websocket: &mut WebSocketStream<TcpStream>, frame: Frame<'_>) {
    websocket.send(Message::Binary(frame.bytes().into())).await.unwrap();
}

/// Data of so many bytes in all, and what else came among it.
async fn data(websocket: &mut WebSocketStream<TcpStream>, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        match websocket.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => match Frame::split(&bytes) {
                (Some(Frame::Data(data)), []) if data.len() <= 16384 => all.extend(data),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    all
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|number| u8::try_from(number % 251).unwrap()).collect()
}

const HEADERS: &str = "Bearer token-1, bot:iap-tunneler, relay.tunnel.cloudproxy.app";

#[tokio::test]
async fn bytes_go_to_the_machine_and_back_until_one_side_closes() {
    let (listener, tunnel) = opened().await;
    let mut local = TcpStream::connect(tunnel.address).await.unwrap();
    let (request, mut websocket) = accepted(&listener).await;
    let connect = "GET /iap/v4/connect?project=p&zone=z&instance=web&interface=nic0&port=22&newWebsocket=True HTTP/1.1";
    assert_eq!(request, format!("{connect}\n{HEADERS}"));
    say(&mut websocket, Frame::Connected("sid-1")).await;
    local.write_all(b"SSH-2.0-us\r\n").await.unwrap();
    assert_eq!(data(&mut websocket, 12).await, b"SSH-2.0-us\r\n");

    // Two frames in a message, and one of a kind that nobody knows.
    let message = [Frame::Data(b"SSH-2.0-").bytes(), Frame::Data(b"machine\r\n").bytes(), vec![0, 99, 1]].concat();
    websocket.send(Message::Binary(message.into())).await.unwrap();
    let mut answer = [0; 17];
    local.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"SSH-2.0-machine\r\n");

    drop(local);
    assert!(matches!(websocket.next().await, Some(Ok(Message::Close(_)))));

    let mut local = TcpStream::connect(tunnel.address).await.unwrap();
    let (_, mut websocket) = accepted(&listener).await;
    say(&mut websocket, Frame::Connected("sid-2")).await;
    say(&mut websocket, Frame::Data(b"bye")).await;
    websocket.close(Some(CloseFrame { code: 1000.into(), reason: "".into() })).await.unwrap();
    let mut all = Vec::new();
    local.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"bye");
    assert_eq!(tunnel.last_refusal(), None);
}

#[tokio::test]
async fn what_arrives_is_acknowledged_after_two_full_frames() {
    let (listener, tunnel) = opened().await;
    let mut local = TcpStream::connect(tunnel.address).await.unwrap();
    let (_, mut websocket) = accepted(&listener).await;
    say(&mut websocket, Frame::Connected("sid-1")).await;
    let mut taken = vec![0; 16384];
    for _ in 0..2 {
        say(&mut websocket, Frame::Data(&bytes(16384))).await;
        local.read_exact(&mut taken).await.unwrap();
    }
    say(&mut websocket, Frame::Data(b"!")).await;
    let Message::Binary(message) = websocket.next().await.unwrap().unwrap() else { panic!() };
    assert_eq!(Frame::split(&message), (Some(Frame::Acknowledged(32769)), &b""[..]));
}

#[tokio::test]
async fn a_relay_that_breaks_is_taken_up_where_it_stopped() {
    let (listener, tunnel) = opened().await;
    let mut local = TcpStream::connect(tunnel.address).await.unwrap();
    let (_, mut websocket) = accepted(&listener).await;
    say(&mut websocket, Frame::Connected("sid-1")).await;
    say(&mut websocket, Frame::Data(b"hello")).await;
    let mut answer = [0; 5];
    local.read_exact(&mut answer).await.unwrap();
    let sent = bytes(50_000);
    local.write_all(&sent).await.unwrap();
    assert_eq!(data(&mut websocket, 50_000).await, sent);
    say(&mut websocket, Frame::Acknowledged(16_384)).await;
    drop(websocket);

    // Of what was not acknowledged it got a part all the same. Meanwhile the local side goes on.
    local.write_all(b"more").await.unwrap();
    let (request, mut websocket) = accepted(&listener).await;
    let reconnect = "GET /iap/v4/reconnect?sid=sid-1&ack=5&zone=z&newWebsocket=True HTTP/1.1";
    assert_eq!(request, format!("{reconnect}\n{HEADERS}"));
    say(&mut websocket, Frame::Reconnected(20_000)).await;
    assert_eq!(data(&mut websocket, 30_004).await, [&sent[20_000..], b"more"].concat());
    say(&mut websocket, Frame::Data(b"again")).await;
    local.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"again");

    // It goes away politely, and comes back once more.
    websocket.close(Some(CloseFrame { code: 1001.into(), reason: "".into() })).await.unwrap();
    let (request, mut websocket) = accepted(&listener).await;
    assert_eq!(request, format!("{}\n{HEADERS}", reconnect.replace("ack=5", "ack=10")));
    say(&mut websocket, Frame::Reconnected(50_004)).await;
    local.write_all(b"end").await.unwrap();
    assert_eq!(data(&mut websocket, 3).await, b"end");
}

#[tokio::test]
async fn a_refusal_closes_the_connection_and_is_remembered() {
    let (listener, tunnel) = opened().await;
    let mut said = Vec::new();
    for (code, reason) in [(4003, "failed to connect to backend"), (4047, ""), (4033, "not authorized"), (4001, "")] {
        let mut local = TcpStream::connect(tunnel.address).await.unwrap();
        let (_, mut websocket) = accepted(&listener).await;
        websocket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await.unwrap();
        let mut all = Vec::new();
        local.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"");
        let error = tunnel.last_refusal().unwrap();
        if code == 4033 {
            let advice = "grant the permission `iap.tunnelInstances.accessViaIAP` in project p to the account of these credentials";
            assert_eq!((error.kind, error.advice().as_deref()), (Kind::Forbidden, Some(advice)));
        }
        said.push(error.to_string());
    }
    assert_eq!(
        said,
        [
            "iap.connect of port 22 of instance web in z failed with 4003: nothing answers at the port: its program does not \
             run yet, or no firewall rule lets `35.235.240.0/20` in: failed to connect to backend",
            "iap.connect of port 22 of instance web in z failed with 4047: there is no such instance, or it does not run yet",
            "iap.connect of port 22 of instance web in z failed with 4033: the account may not go through Identity-Aware \
             Proxy: not authorized",
            "iap.connect of port 22 of instance web in z failed with 4001: the relay does not go on with this connection",
        ]
    );
}

#[tokio::test]
async fn an_answer_that_is_no_websocket_is_a_refusal_too() {
    let server = Server::start([
        crate::testing::refused(401, "authError", "Invalid credentials: token-1"),
        crate::testing::ok("a page"),
    ])
    .await;
    let tunnel = tunnel(server.endpoints()).await;
    let mut said = Vec::new();
    for _ in 0..2 {
        let mut local = TcpStream::connect(tunnel.address).await.unwrap();
        local.read_to_end(&mut Vec::new()).await.unwrap();
        said.push(tunnel.last_refusal().unwrap().to_string());
    }
    assert_eq!(
        said,
        [
            "iap.connect of port 22 of instance web in z failed with 401 authError: Invalid credentials: [hidden]",
            "iap.connect of port 22 of instance web in z failed with 200: a page",
        ]
    );
}

#[tokio::test]
async fn a_tunnel_that_is_dropped_closes_its_port_and_its_connections() {
    let (listener, tunnel) = opened().await;
    let address = tunnel.address;
    let mut local = TcpStream::connect(address).await.unwrap();
    let (_, mut websocket) = accepted(&listener).await;
    say(&mut websocket, Frame::Connected("sid-1")).await;
    say(&mut websocket, Frame::Data(b"here")).await;
    let mut answer = [0; 4];
    local.read_exact(&mut answer).await.unwrap();
    drop(tunnel);
    assert_eq!(local.read(&mut answer).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
