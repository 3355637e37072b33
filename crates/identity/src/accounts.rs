//! The table of accounts.

use crate::{Error, entity::user};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::LikeExpr,
};
use segue_domain::{Timestamp, UserId};
use segue_store::StoreError;

/// The row of an account, also of a deleted one.
pub(crate) async fn find(db: &impl ConnectionTrait, id: UserId) -> Result<Option<user::Model>, StoreError> {
    Ok(user::Entity::find_by_id(id.to_string()).one(db).await?)
}

/// The account with an address.
pub(crate) async fn find_by_email(
    db: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<user::Model>, StoreError> {
    Ok(user::Entity::find().filter(user::Column::Email.eq(email)).one(db).await?)
}

/// The caller's account. Their token may outlive it by a moment.
pub(crate) async fn living(db: &impl ConnectionTrait, id: UserId) -> Result<user::Model, Error> {
    find(db, id).await?.filter(|u| u.deleted_at.is_none()).ok_or(Error::AccountGone)
}

/// True when the account is still the one that was read. Nobody can change it until the transaction ends.
pub(crate) async fn hold(db: &impl ConnectionTrait, read: &user::Model) -> Result<bool, StoreError> {
    // SQLite has one writer, which this transaction is; sea-query leaves the lock out there.
    let now = user::Entity::find_by_id(read.user_id.clone()).lock_shared().one(db).await?;
    Ok(now.is_some_and(|now| {
        let same = now.password_hash == read.password_hash && now.disabled_at == read.disabled_at;
        same && now.deleted_at.is_none()
    }))
}

pub(crate) async fn insert(db: &impl ConnectionTrait, user: &user::Model) -> Result<(), StoreError> {
    user::Entity::insert(user.clone().into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Writes the next version of an account: `user.version` is the new one. False when another change was first.
pub(crate) async fn replace(db: &impl ConnectionTrait, user: &user::Model) -> Result<bool, StoreError> {
    let user = user.clone();
    let result = user::Entity::update_many()
        .filter(user::Column::UserId.eq(user.user_id))
        .filter(user::Column::Version.eq(user.version - 1))
        .filter(user::Column::DeletedAt.is_null())
        .set(user::ActiveModel {
            email: Set(user.email),
            display_name: Set(user.display_name),
            password_hash: Set(user.password_hash),
            admin: Set(user.admin),
            version: Set(user.version),
            deleted_at: Set(user.deleted_at),
            disabled_at: Set(user.disabled_at),
            ..Default::default()
        })
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// True when there is an administrator.
pub(crate) async fn any_administrator(db: &impl ConnectionTrait) -> Result<bool, StoreError> {
    let administrators =
        user::Entity::find().filter(user::Column::Admin.eq(true)).filter(user::Column::DeletedAt.is_null());
    // The first account of all is one mostly, so that the walk by id ends where it begins.
    Ok(administrators.order_by_asc(user::Column::UserId).one(db).await?.is_some())
}

/// Accounts whose address begins with `prefix` and that come after `after`, by id.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    prefix: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<user::Model>, StoreError> {
    let mut query = user::Entity::find().filter(user::Column::DeletedAt.is_null());
    if !prefix.is_empty() {
        // What people type is text: its wildcards are escaped.
        let text = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query = query.filter(user::Column::Email.like(LikeExpr::new(format!("{text}%")).escape('\\')));
    }
    if let Some(after) = after {
        query = query.filter(user::Column::UserId.gt(after));
    }
    Ok(query.order_by_asc(user::Column::UserId).limit(limit).all(db).await?)
}

/// Accounts deleted since a moment, at most `limit`.
pub(crate) async fn deleted_since(
    db: &impl ConnectionTrait,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<String>, StoreError> {
    let query = user::Entity::find().filter(user::Column::DeletedAt.gte(since.millis())).limit(limit);
    Ok(query.select_only().column(user::Column::UserId).into_tuple().all(db).await?)
}
