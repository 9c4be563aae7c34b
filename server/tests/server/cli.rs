//! The program itself: it begins, serves, and stops when it is told, with its work done.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldsync-server");

fn folder(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("fieldsync-cli-{name}-{}", std::process::id()))
}

/// A running server and its address.
fn serve(data: &std::path::Path, more: &[&str]) -> (Child, String) {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--port", "0", "--data"])
        .arg(data)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (child, address)
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn terminate(child: &mut Child) -> bool {
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    child.wait().unwrap().success()
}

#[test]
fn a_server_that_is_told_to_stop_finishes_the_request_that_it_is_reading() {
    let data = folder("stop");
    let (mut child, address) = serve(&data, &["--demo"]);
    let body = r#"{"grant":"password","username":"budi","password":"demo1234"}"#;
    let head = format!(
        "POST /auth/v1/token HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(200));
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let asked = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(9));
    std::fs::remove_dir_all(data).unwrap();
}

#[test]
fn a_user_who_is_added_can_sign_in() {
    let data = folder("user");
    let run = |args: &[&str], password: &str| {
        let mut child = Command::new(PROGRAM)
            .arg("user")
            .args(args)
            .arg("--data")
            .arg(&data)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait().unwrap().success()
    };
    let add = ["add", "Dewi Lestari", "--username", "dewi", "--role", "rep", "--team", "Bogor", "--password-stdin"];
    assert!(!run(&add, "short\n"));
    assert!(run(&add, "rahasia-sekali\n"));
    assert!(!run(&add, "rahasia-sekali\n"), "a name is given once");
    assert!(run(&["password", "dewi", "--password-stdin"], "lebih-rahasia\n"));
    assert!(run(&["team", "dewi", "Depok"], ""));
    let (mut child, address) = serve(&data, &[]);
    let sign_in = |password: &str| {
        let body = format!(r#"{{"grant":"password","username":"dewi","password":"{password}"}}"#);
        let length = body.len();
        let head = "POST /auth/v1/token HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json";
        ask(&address, &format!("{head}\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    let answer = sign_in("lebih-rahasia");
    assert!(answer.contains(r#""name":"Dewi Lestari","role":"rep","team":"Depok""#), "{answer}");
    assert!(sign_in("rahasia-sekali").starts_with("HTTP/1.1 401"));
    assert!(terminate(&mut child));
    std::fs::remove_dir_all(data).unwrap();
}
