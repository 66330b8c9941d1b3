//! nginx, the yardstick: a plain reverse proxy that keeps no log.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Result;

use super::{Lab, Running, free_port, wait_until, write};
use crate::child::{Child, pinned};
use crate::http;

/// Where nginx is: on the path, or where distributions put it.
pub(crate) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let places = std::env::split_paths(&path).chain(usual);
    places.map(|place| place.join("nginx")).find(|file| file.is_file())
}

/// One worker, as one core is what it gets.
pub(super) fn start(lab: &Lab, streams: bool) -> Result<Running> {
    let dir = lab.directory()?;
    let addr = free_port()?;
    let (root, upstream) = (dir.path().display(), lab.upstream);
    // A stream must pass through at once; a whole answer is what nginx buffers by default.
    let buffering = if streams { "off" } else { "on" };
    let configuration = format!(
        "worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_requests 100000000;
    client_max_body_size 64m;
    client_body_buffer_size 1m;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    upstream mock {{
        server {upstream};
        keepalive 2048;
        keepalive_requests 100000000;
    }}
    server {{
        listen {addr} backlog=4096;
        location /mock/ {{
            proxy_pass http://mock/;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_request_buffering off;
            proxy_buffering {buffering};
        }}
    }}
}}
"
    );
    let file = dir.path().join("nginx.conf");
    write(&file, &configuration)?;
    let log = dir.path().join("output");
    let mut command = pinned(lab.core, &lab.nginx);
    command.arg("-p").arg(dir.path()).arg("-c").arg(&file);
    let child = Child::spawn(command.stdout(Stdio::null()).stderr(File::create(&log)?))?;
    // The port is open before the worker exists, and the worker is what has to be watched.
    wait_until(&child, &log, "nginx", || http::get(addr, "/mock/").is_ok())?;
    let path = "/mock/v1/chat/completions";
    Ok(Running { addr, path, child: Some(child), api: None, dir: Some(dir) })
}
