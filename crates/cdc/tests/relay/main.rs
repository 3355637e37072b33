//! Nothing that was committed is lost, whatever dies. The embedded source always; the PostgreSQL sources when
//! `SEGUE_TEST_POSTGRES` names a server with `wal_level = logical` and a superuser.

mod bus;
mod cut;
mod database;
mod embedded;
mod failover;
mod gap;
mod kills;
mod latency;
mod rights;
mod running;
mod sources;
mod takeover;
mod unseen;
mod upkeep;
