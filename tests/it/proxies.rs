//! A site that only a proxy can reach: its name is known to the proxy alone.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::fixture::{Dicom, Person};
use crate::run::{Place, Run};
use crate::server::Site;

const HOST: &str = "site.invalid";

/// Reads where a connection is to go, answers, and gives the port and what was read beyond that.
type Meet = fn(&mut TcpStream) -> io::Result<(u16, Vec<u8>)>;

/// A proxy that takes every name for this machine.
struct Proxy {
    address: SocketAddr,
    /// Connections that it made.
    used: Arc<AtomicUsize>,
}

impl Proxy {
    fn start(meet: Meet) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, used) = (
            listener.local_addr().unwrap(),
            Arc::<AtomicUsize>::default(),
        );
        let counted = Arc::clone(&used);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                thread::spawn(move || serve(client, meet, &counted));
            }
        });
        Self { address, used }
    }

    fn socks() -> Self {
        Self::start(|client| {
            // RFC 1928: a greeting with methods, then a request with a name and a port.
            let mut two = [0; 2];
            client.read_exact(&mut two)?;
            client.read_exact(&mut vec![0; usize::from(two[1])])?;
            client.write_all(&[5, 0])?;
            let mut head = [0; 5];
            client.read_exact(&mut head)?;
            assert_eq!(head[3], 3, "the name is the proxy's to look up");
            let mut rest = vec![0; usize::from(head[4]) + 2];
            client.read_exact(&mut rest)?;
            let (name, port) = rest.split_at(usize::from(head[4]));
            assert_eq!(name, HOST.as_bytes());
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
            Ok((u16::from_be_bytes([port[0], port[1]]), Vec::new()))
        })
    }

    fn http() -> Self {
        Self::start(|client| {
            let mut head = [0; 4096];
            let got = client.read(&mut head)?;
            let text = String::from_utf8_lossy(&head[..got]).into_owned();
            let port = text
                .split_once(&format!("{HOST}:"))
                .and_then(|(_, rest)| {
                    rest.split(|c: char| !c.is_ascii_digit())
                        .next()?
                        .parse()
                        .ok()
                });
            Ok((port.unwrap_or_default(), head[..got].to_vec()))
        })
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    fn was_used(&self) -> bool {
        self.used.load(Ordering::SeqCst) > 0
    }
}

fn serve(mut client: TcpStream, meet: Meet, used: &AtomicUsize) -> io::Result<()> {
    let (port, read) = meet(&mut client)?;
    let mut site = TcpStream::connect(("127.0.0.1", port))?;
    used.fetch_add(1, Ordering::SeqCst);
    site.write_all(&read)?;
    let (mut up, mut down) = (client.try_clone()?, site.try_clone()?);
    let upwards = thread::spawn(move || {
        let _ = io::copy(&mut up, &mut site);
        site.shutdown(Shutdown::Write)
    });
    let _ = io::copy(&mut down, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    drop(upwards.join());
    Ok(())
}

fn place() -> Place {
    Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())])
}

fn upload<'p>(place: &'p Place, site: &Site) -> Run<'p> {
    place
        .run("in.dcm -p demo/phantom --profile basic --retry-for 0")
        .env(
            "FWUPLOAD_API_KEY",
            site.key()
                .replace("127.0.0.1", HOST),
        )
}

#[test]
fn a_socks_proxy_reaches_the_site_and_looks_its_name_up() {
    let (place, site, proxy) = (place(), Site::start(), Proxy::socks());
    upload(&place, &site)
        .env("ALL_PROXY", proxy.url("socks5h"))
        .exits(0);
    assert!(proxy.was_used());
    assert_eq!(site.uploaded().len(), 1);
}

#[test]
fn an_http_proxy_reaches_the_site_unless_it_is_excepted() {
    let (place, site, proxy) = (place(), Site::start(), Proxy::http());
    upload(&place, &site)
        .env("HTTP_PROXY", proxy.url("http"))
        .env("NO_PROXY", HOST)
        .exits(7)
        .says(HOST);
    assert!(!proxy.was_used());
    upload(&place, &site)
        .env("HTTP_PROXY", proxy.url("http"))
        .exits(0);
    assert!(proxy.was_used());
    assert_eq!(site.uploaded().len(), 1);
}

#[test]
fn a_proxy_that_is_not_there_is_told() {
    let (place, site) = (place(), Site::start());
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    upload(&place, &site)
        .env("HTTP_PROXY", format!("http://{closed}"))
        .exits(7)
        .says("error[network.");
}
