//! HAProxy, where it is installed: a second ruler for the rows of requests per second.

use std::fs;
use std::process::Command;

use super::{Call, Stage, UPSTREAM_KEY, Way, free_ports};
use crate::error::Result;
use crate::process::{Process, find_program};

/// HAProxy as reverse proxy.
#[derive(Debug)]
pub struct Haproxy {
    /// The running process.
    pub process: Process,
    ports: [u16; 2],
}

impl Haproxy {
    /// Starts it with one thread and a shared pool; `None` where it is not installed.
    pub fn start(stage: &Stage) -> Result<Option<Self>> {
        let Some(program) = find_program("haproxy") else { return Ok(None) };
        let ports: [u16; 2] = free_ports()?;
        let front = |name: &str, port: u16, server: &str| {
            format!(
                "frontend {name}\n  bind 127.0.0.1:{port} backlog 4096\n  default_backend {name}_up\n\
                 backend {name}_up\n  http-reuse always\n\
                 \x20 http-request set-header Authorization \"Bearer {UPSTREAM_KEY}\"\n  {server}\n"
            )
        };
        let (plain, tls) = (stage.plain_port, stage.tls_port);
        let certificate = stage.folder.join(super::tls::CERTIFICATE);
        let text = format!(
            "global\n  nbthread 1\n  maxconn 4000\n\
             defaults\n  mode http\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n{}{}",
            front("plain", ports[0], &format!("server a 127.0.0.1:{plain} pool-max-conn 1024")),
            front(
                "tls",
                ports[1],
                &format!(
                    "server a 127.0.0.1:{tls} pool-max-conn 1024 ssl verify required ca-file {}",
                    certificate.display()
                )
            ),
        );
        let path = stage.folder.join("haproxy.cfg");
        fs::write(&path, text)?;
        let mut command = Command::new(program);
        command.arg("-db").arg("-f").arg(&path);
        let process = Process::start(&stage.cores.proxy, &command, &stage.log("haproxy"))?;
        for port in ports {
            stage.wait_for(port)?;
        }
        Ok(Some(Self { process, ports }))
    }

    /// How a caller reaches an upstream through it.
    pub fn call(&self, way: Way) -> Call {
        let port = if way == Way::Tls { self.ports[1] } else { self.ports[0] };
        Call { port, prefix: String::new(), headers: Vec::new() }
    }
}
