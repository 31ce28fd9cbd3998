//! Listens on one address with a socket for each worker.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// How many callers may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Binds an address for so many workers, and says which it is: port 0 takes a free one.
///
/// # Errors
///
/// Somebody listens there already, whoever it is. The first socket takes the address for itself alone, and
/// only then lets others of ours in: two servers on one port would each silently get half of the callers.
pub(super) fn listen(address: SocketAddr, workers: usize) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    let first = socket(address)?;
    first.bind(&address.into())?;
    share(&first)?;
    first.listen(BACKLOG)?;
    let first = TcpListener::from(first);
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    while listeners.len() < workers {
        let next = next(&listeners[0], address)?;
        listeners.push(next);
    }
    Ok((listeners, address))
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Sockets that linger from an earlier run must not keep a new one from starting.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// Where the system spreads callers over several sockets of one address.
#[cfg(target_os = "linux")]
fn share(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(target_os = "linux")]
fn next(_: &TcpListener, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    share(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Elsewhere the workers accept from one socket.
#[cfg(not(target_os = "linux"))]
fn share(_: &Socket) -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn next(first: &TcpListener, _: SocketAddr) -> io::Result<TcpListener> {
    first.try_clone()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn all_workers_listen_on_the_port_that_was_free() {
        let (listeners, address) = listen("127.0.0.1:0".parse().unwrap(), 4).unwrap();
        assert_ne!(address.port(), 0);
        assert_eq!(listeners.len(), 4);
        for listener in &listeners {
            assert_eq!(listener.local_addr().unwrap(), address);
        }
        TcpStream::connect(address).unwrap();
    }

    #[test]
    fn a_second_server_on_the_port_is_told() {
        let (_listeners, address) = listen("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let second = listen(address, 2).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listen(other.local_addr().unwrap(), 2).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_can_be_taken_again_when_its_server_has_gone() {
        let (listeners, address) = listen("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let caller = TcpStream::connect(address).unwrap();
        drop(listeners);
        drop(caller);
        listen(address, 2).unwrap();
    }
}
