//! `user add`, `user password`, `user team`. A running server sees the change with its next request.

use std::io::{BufRead, IsTerminal, Write};

use fieldsync::core::record::UserId;
use fieldsync_server::auth::password;
use fieldsync_server::db::{self, Tx, User};
use fieldsync_server::state::system_now;
use fieldsync_server::sync::access::Directory;
use fieldsync_server::sync::people;

use super::{CliError, PasswordFrom, UserCommand, open};

/// Shortest password, in characters.
const PASSWORD_CHARS_MIN: usize = 8;

pub(super) fn run(command: UserCommand) -> Result<(), CliError> {
    match command {
        UserCommand::Add { data, name, username, role, team, password } => {
            let password_hash = asked(&password)?;
            let username = username.trim().to_lowercase();
            db::write(&open(&data.data)?, |tx| {
                if Directory::new(tx.users()?).by_username(&username).is_some() {
                    return Err(CliError::Refused("there is a user of this name already"));
                }
                let id = UserId::new(system_now(), rand::random());
                put(tx, &User { id, username, name, role, team, password_hash })
            })
        }
        UserCommand::Password { data, username, password } => {
            let password_hash = asked(&password)?;
            db::write(&open(&data.data)?, |tx| {
                let user = found(tx, &username)?;
                put(tx, &User { password_hash, ..user })
            })
        }
        UserCommand::Team { data, username, team } => db::write(&open(&data.data)?, |tx| {
            let user = found(tx, &username)?;
            put(tx, &User { team, ..user })
        }),
    }
}

fn put(tx: &mut dyn Tx, user: &User) -> Result<(), CliError> {
    Ok(people::put_user(tx, &mut rand::random, system_now(), user)?)
}

fn found(tx: &mut dyn Tx, username: &str) -> Result<User, CliError> {
    Directory::new(tx.users()?).by_username(username).cloned().ok_or(CliError::Refused("there is no user of this name"))
}

/// The hash of a password from standard input.
fn asked(how: &PasswordFrom) -> Result<String, CliError> {
    if !how.password_stdin && std::io::stdin().is_terminal() {
        eprint!("Password: ");
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(CliError::Refused("a password has 8 characters or more"));
    }
    password::hash(password).map_err(|_| CliError::Refused("the machine gives no random numbers"))
}
