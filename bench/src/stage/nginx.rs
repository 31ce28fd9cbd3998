//! nginx twice: as the upstream, and as the reverse proxy that users would put together instead.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::tls::{CERTIFICATE, KEY};
use super::{Call, Stage, UPSTREAM_KEY, Way, free_ports};
use crate::error::Result;
use crate::process::{Process, need_program};

/// The length of the usual answer: 1 KiB of JSON.
pub const ANSWER_BYTES: usize = 1024;
/// Bodies of other sizes, as files under `/file/`.
pub const FILES: [(&str, usize); 3] = [("1k", 1 << 10), ("64k", 1 << 16), ("1m", 1 << 20)];

/// nginx as reverse proxy.
#[derive(Debug)]
pub struct Nginx {
    /// The running master.
    pub process: Process,
    ports: [u16; 4],
}

impl Nginx {
    /// Starts it: one worker, a keep-alive pool, the same header as Passthrough injects.
    pub fn start(stage: &Stage) -> Result<Self> {
        let ports = free_ports()?;
        let process = start(stage, "nginx-proxy", &stage.cores.proxy, &proxy(stage, ports))?;
        for port in ports {
            stage.wait_for(port)?;
        }
        Ok(Self { process, ports })
    }

    /// How a caller reaches an upstream through it.
    pub fn call(&self, way: Way) -> Call {
        let port = match way {
            Way::Plain => self.ports[0],
            Way::Tls => self.ports[1],
            Way::Own => self.ports[2],
            Way::OwnUnbuffered => self.ports[3],
        };
        Call { port, prefix: String::new(), headers: Vec::new() }
    }
}

/// Starts nginx as the upstream: it answers any path with 1 KiB of JSON, and `/file/…` with files.
pub fn start_upstream(stage: &Stage) -> Result<Process> {
    let files = stage.folder.join("file");
    fs::create_dir(&files)?;
    for (name, size) in FILES {
        fs::write(files.join(name), json(size))?;
    }
    let (folder, answer) = (stage.folder.display(), json(ANSWER_BYTES));
    let (plain, tls) = (stage.plain_port, stage.tls_port);
    let places = format!(
        "location / {{ return 200 '{answer}'; }}\n\
         location /file/ {{ root {folder}; sendfile on; open_file_cache max=10; client_max_body_size 0; }}\n"
    );
    let servers = format!(
        "default_type application/json;\n\
         server {{ listen 127.0.0.1:{plain} backlog=4096; {places} }}\n\
         server {{ listen 127.0.0.1:{tls} ssl backlog=4096; ssl_certificate {folder}/{CERTIFICATE};\n\
           ssl_certificate_key {folder}/{KEY}; ssl_protocols TLSv1.3; ssl_session_cache shared:s:4m; {places} }}\n"
    );
    start(stage, "nginx-upstream", &stage.cores.rest, &servers)
}

fn proxy(stage: &Stage, ports: [u16; 4]) -> String {
    let (plain, tls, own) = (stage.plain_port, stage.tls_port, stage.own_port);
    let folder = stage.folder.display();
    let pool = |name: &str, port: u16| {
        format!(
            "upstream {name} {{ server 127.0.0.1:{port}; keepalive 1024; keepalive_requests 1000000000;\n\
             keepalive_timeout 300s; }}\n"
        )
    };
    let server = |port: u16, upstream: &str, more: &str| {
        format!(
            "server {{ listen 127.0.0.1:{port} backlog=4096; client_max_body_size 0; location / {{\n\
             proxy_pass {upstream}; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
             proxy_set_header Authorization \"Bearer {UPSTREAM_KEY}\"; {more} }} }}\n"
        )
    };
    let verified = format!(
        "proxy_ssl_session_reuse on; proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; proxy_ssl_name localhost;\n\
         proxy_ssl_trusted_certificate {folder}/{CERTIFICATE};"
    );
    [
        pool("plain", plain),
        pool("tls", tls),
        pool("own", own),
        server(ports[0], "http://plain", ""),
        server(ports[1], "https://tls", &verified),
        server(ports[2], "http://own", ""),
        server(ports[3], "http://own", "proxy_buffering off; proxy_request_buffering off;"),
    ]
    .concat()
}

fn start(stage: &Stage, name: &str, cores: &str, servers: &str) -> Result<Process> {
    let home = stage.folder.join(name);
    fs::create_dir_all(&home)?;
    let path = home.join("nginx.conf");
    fs::write(&path, format!("{}{servers}}}\n", head(&home)))?;
    let mut command = Command::new(need_program("nginx")?);
    command.arg("-p").arg(&home).arg("-e").arg("stderr").arg("-c").arg(&path);
    Process::start(cores, &command, &stage.log(name))
}

/// What both have in common. Buffering is left at nginx's defaults.
fn head(home: &Path) -> String {
    let home = home.display();
    // Started by root, workers would become `nobody`, who may not write into our folder.
    let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
    let files = crate::process::open_files().min(65_536);
    let temporary: Vec<String> = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {home}/{name};"))
        .collect();
    format!(
        "{user} daemon off; worker_processes 1; worker_rlimit_nofile {files}; error_log stderr crit;\n\
         pid {home}/nginx.pid;\n\
         events {{ worker_connections {files}; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; {}\n",
        temporary.join(" ")
    )
}

/// A JSON object of exactly `bytes`.
fn json(bytes: usize) -> String {
    let mut text = String::from("{\"object\":\"list\",\"data\":[");
    let mut number = 0;
    while text.len() + 120 < bytes {
        let comma = if number > 0 { "," } else { "" };
        text.push_str(&format!(
            "{comma}{{\"id\":\"rec_{number:08}\",\"name\":\"Account {number}\",\"amount\":{number}.50,\"paid\":true}}"
        ));
        number += 1;
    }
    text.push_str("],\"pad\":\"");
    text.push_str(&"x".repeat(bytes.saturating_sub(text.len() + 2)));
    text + "\"}"
}
