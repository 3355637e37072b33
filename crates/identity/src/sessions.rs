//! The table of sessions.

use crate::{
    entity::{session, user},
    event,
    refresh_token::RefreshToken,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use segue_domain::{SessionId, Timestamp};
use segue_store::{Outbox, StoreError, Transaction};
use std::time::Duration;

/// Open sessions of one account. One more ends the one that was not used for the longest time.
pub(crate) const MOST_OPEN: u64 = 100;

/// A row by its id, whoever owns it and whether it is open or not.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    id: SessionId,
) -> Result<Option<session::Model>, StoreError> {
    Ok(session::Entity::find_by_id(id.to_string()).one(db).await?)
}

/// A new session for an account, and its first refresh token. Ids of sessions that made room are appended to `ended`.
pub(crate) async fn open(
    tx: &mut Transaction,
    user: &user::Model,
    device: String,
    now: Timestamp,
    life: Duration,
    ended: &mut Vec<SessionId>,
) -> Result<(session::Model, RefreshToken), StoreError> {
    let surplus = open_of(&user.user_id, now)
        .order_by_desc(session::Column::LastUsedAt)
        .offset(MOST_OPEN - 1)
        // Never more than one in fact; PostgreSQL lets two sign-ins overlap.
        .limit(MOST_OPEN)
        .all(tx.connection())
        .await?;
    for old in surplus {
        ended.extend(end(tx, &old, now).await?);
    }
    let token = RefreshToken::first(SessionId::new());
    let row = session::Model {
        session_id: token.session().to_string(),
        user_id: user.user_id.clone(),
        family_hash: token.family_hash(),
        refresh_hash: token.secret_hash(),
        generation: 1,
        device,
        created_at: now.millis(),
        last_used_at: now.millis(),
        expires_at: now.plus(life).millis(),
        revoked_at: None,
    };
    session::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx.connection()).await?;
    Ok((row, token))
}

/// Puts `new` in the place of `old`. False when `old` is not the good token any more, or the session has ended.
pub(crate) async fn renew(
    db: &impl ConnectionTrait,
    old: &RefreshToken,
    new: &RefreshToken,
    now: Timestamp,
    expires: Timestamp,
) -> Result<bool, StoreError> {
    let result = session::Entity::update_many()
        .col_expr(session::Column::RefreshHash, Expr::value(new.secret_hash()))
        .col_expr(session::Column::Generation, Expr::col(session::Column::Generation).add(1))
        .col_expr(session::Column::LastUsedAt, Expr::value(now.millis()))
        .col_expr(session::Column::ExpiresAt, Expr::value(expires.millis()))
        .filter(session::Column::SessionId.eq(old.session().to_string()))
        .filter(session::Column::RefreshHash.eq(old.secret_hash()))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.millis()))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Ends a session and says so; `None` when it had ended before.
pub(crate) async fn end(
    tx: &mut Transaction,
    session: &session::Model,
    now: Timestamp,
) -> Result<Option<SessionId>, StoreError> {
    let result = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(now.millis()))
        .filter(session::Column::SessionId.eq(session.session_id.as_str()))
        .filter(session::Column::RevokedAt.is_null())
        .exec(tx.connection())
        .await?;
    if result.rows_affected == 0 {
        return Ok(None);
    }
    tx.emit(Outbox::Identity, event::session_revoked(session, now)).await?;
    session.session_id.parse().map(Some).map_err(StoreError::corrupt)
}

/// Ends every open session of an account but one.
pub(crate) async fn end_others(
    tx: &mut Transaction,
    user: &user::Model,
    keep: SessionId,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let query = open_of(&user.user_id, now).filter(session::Column::SessionId.ne(keep.to_string()));
    let mut ended = Vec::new();
    for session in query.all(tx.connection()).await? {
        ended.extend(end(tx, &session, now).await?);
    }
    Ok(ended)
}

/// Ends every open session of an account.
pub(crate) async fn end_all(
    tx: &mut Transaction,
    user: &user::Model,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let mut ended = Vec::new();
    for session in open_of(&user.user_id, now).all(tx.connection()).await? {
        ended.extend(end(tx, &session, now).await?);
    }
    Ok(ended)
}

/// Removes every session of an account.
pub(crate) async fn delete_all(db: &impl ConnectionTrait, user: &user::Model) -> Result<(), StoreError> {
    let rows = session::Entity::delete_many().filter(session::Column::UserId.eq(user.user_id.as_str()));
    rows.exec(db).await?;
    Ok(())
}

/// Open sessions of an account, newest first, that come after `after` (time and id) in that order.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    user: &str,
    now: Timestamp,
    after: Option<(i64, String)>,
    limit: u64,
) -> Result<Vec<session::Model>, StoreError> {
    let mut query = open_of(user, now);
    if let Some((time, id)) = after {
        let same_time = session::Column::CreatedAt.eq(time).and(session::Column::SessionId.lt(id));
        query = query.filter(Condition::any().add(session::Column::CreatedAt.lt(time)).add(same_time));
    }
    let query = query.order_by_desc(session::Column::CreatedAt).order_by_desc(session::Column::SessionId);
    Ok(query.limit(limit).all(db).await?)
}

/// Sessions that were ended since a moment, newest first, at most `limit`.
pub(crate) async fn ended_since(
    db: &impl ConnectionTrait,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<String>, StoreError> {
    let query = session::Entity::find()
        .filter(session::Column::RevokedAt.gte(since.millis()))
        .order_by_desc(session::Column::RevokedAt)
        .limit(limit);
    Ok(query.select_only().column(session::Column::SessionId).into_tuple().all(db).await?)
}

/// Removes up to `limit` sessions that expired, or ended before `ended_before`. How many it found.
pub(crate) async fn prune(
    db: &impl ConnectionTrait,
    now: Timestamp,
    ended_before: Timestamp,
    limit: u64,
) -> Result<u64, StoreError> {
    let old = Condition::any()
        .add(session::Column::ExpiresAt.lte(now.millis()))
        .add(session::Column::RevokedAt.lt(ended_before.millis()));
    let query =
        session::Entity::find().filter(old).select_only().column(session::Column::SessionId).limit(limit);
    let ids: Vec<String> = query.into_tuple().all(db).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let found = ids.len() as u64;
    // Time only moves on: what was old enough a moment ago still is, unless it was renewed, which expiry forbids.
    session::Entity::delete_many().filter(session::Column::SessionId.is_in(ids)).exec(db).await?;
    Ok(found)
}

fn open_of(user: &str, now: Timestamp) -> sea_orm::Select<session::Entity> {
    session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.millis()))
}
