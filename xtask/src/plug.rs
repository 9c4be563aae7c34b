//! The network cable between the browser and the demo server, which a person can pull: a loopback TCP proxy on the public port.
//!
//! Turning Wi-Fi off does nothing to 127.0.0.1, and stopping the server would lose its state. Pulled, the port refuses, and
//! every established connection is cut at once, so that no kept-alive one sneaks past.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Whether the cable is in. A new value reaches every connection.
pub type Cable = watch::Sender<bool>;

/// Serves `public`, on which `listener` listens, from `server` until the process ends; the cable starts plugged in.
pub fn serve(listener: TcpListener, public: SocketAddr, server: SocketAddr) -> Cable {
    let cable = watch::Sender::new(true);
    tokio::spawn(forward(listener, public, server, cable.subscribe()));
    cable
}

/// Takes the public port.
pub async fn listen(public: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(public)
        .await
        .with_context(|| format!("Port {} is taken. Stop what uses it, or choose another with --port.", public.port()))
}

/// Listens while the cable is in; without it nobody listens, so that the system itself refuses.
async fn forward(mut listener: TcpListener, public: SocketAddr, server: SocketAddr, cable: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = accept(&listener, server, &cable) => {}
            () = turned(cable.clone(), false) => {}
        }
        drop(listener);
        turned(cable.clone(), true).await;
        match listen(public).await {
            Ok(again) => listener = again,
            Err(error) => return eprintln!("{error:#}"),
        }
    }
}

/// Never ends by itself.
async fn accept(listener: &TcpListener, server: SocketAddr, cable: &watch::Receiver<bool>) {
    loop {
        if let Ok((browser, _)) = listener.accept().await {
            tokio::spawn(connection(browser, server, cable.clone()));
        }
    }
}

/// Waits until the cable is in, or out. If nobody can turn it any more, that is for ever.
async fn turned(mut cable: watch::Receiver<bool>, plugged: bool) {
    if cable.wait_for(|now| *now == plugged).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Copies both ways until either side ends or the cable is pulled.
async fn connection(mut browser: TcpStream, server: SocketAddr, cable: watch::Receiver<bool>) {
    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut browser, &mut upstream) => {}
        () = turned(cable, false) => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A server that says hello and keeps the connection open.
    async fn hello() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"hello").await.unwrap();
                open.push(stream);
            }
        });
        address
    }

    async fn greeted(address: SocketAddr) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address).await?;
        stream.read_exact(&mut [0; 5]).await?;
        Ok(stream)
    }

    #[tokio::test]
    async fn pulling_refuses_and_cuts_and_plugging_in_serves_again() {
        let server = hello().await;
        let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let free = listener.local_addr().unwrap();
        let cable = serve(listener, free, server);
        let mut open = greeted(free).await.unwrap();

        cable.send_replace(false);
        assert!(!matches!(open.read(&mut [0; 1]).await, Ok(1..)), "an open connection is cut");
        // The accepting task notices in its own time.
        tokio::time::timeout(std::time::Duration::from_secs(5), async {
            while TcpStream::connect(free).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the port refuses");

        cable.send_replace(true);
        tokio::time::timeout(std::time::Duration::from_secs(5), async { while greeted(free).await.is_err() {} })
            .await
            .expect("served again");
    }
}
