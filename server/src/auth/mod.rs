//! Signing in: passwords, short access tokens, and refresh tokens that survive a lost answer.

pub mod access_token;
pub mod cookie;
pub mod handlers;
pub mod password;
pub mod refresh;
