//! End users of Panora's dialect.

use passthrough_core::id::{Environment, LinkedUserId};
use passthrough_store::{ConnectionPatch, LinkedUser, StoreError};
use tokio::task::JoinSet;

use crate::rig::{NOW, Rig, connection_id, environment, event, on_both_engines, production, staging, stored};

on_both_engines! {
    an_origin_id_has_one_user_however_often_and_by_how_many_it_is_made,
    several_are_made_together_or_not_at_all,
    a_connection_s_external_id_is_a_user_that_stays,
    a_page_of_users_ends_where_the_next_begins,
}

fn user(environment: &Environment, number: u64, origin_id: &str, alias: Option<&str>) -> LinkedUser {
    LinkedUser {
        id: LinkedUserId::from_parts(NOW as u64 + number, u128::from(number)),
        environment: environment.clone(),
        origin_id: origin_id.into(),
        alias: alias.map(str::to_owned),
        created_at: NOW,
    }
}

async fn an_origin_id_has_one_user_however_often_and_by_how_many_it_is_made(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let first = user(&production(), 1, "u", Some("Ada"));
    assert_eq!(store.ensure_linked_users(std::slice::from_ref(&first)).await, Ok(vec![first.clone()]));
    // No alias leaves the one that is there; another one replaces it.
    assert_eq!(
        store.ensure_linked_users(&[user(&production(), 2, "u", None)]).await,
        Ok(vec![first.clone()])
    );
    let renamed = LinkedUser { alias: Some("Bob".into()), ..first.clone() };
    let again = store.ensure_linked_users(&[user(&production(), 3, "u", Some("Bob"))]).await;
    assert_eq!(again, Ok(vec![renamed.clone()]));
    assert_eq!(store.find_linked_user(&production(), first.id).await, Ok(Some(renamed)));

    // Another environment is another room.
    let other = user(&staging(), 4, "u", None);
    assert_eq!(store.ensure_linked_users(std::slice::from_ref(&other)).await, Ok(vec![other.clone()]));
    assert_eq!(store.find_linked_user(&production(), other.id).await, Ok(None));
    assert_eq!(store.find_linked_user_by_origin(&staging(), "u").await, Ok(Some(other)));
    assert_eq!(store.find_linked_user_by_origin(&staging(), "x").await, Ok(None));

    let mut race = JoinSet::new();
    for number in 10..26 {
        let store = store.clone();
        // In turn in both orders: rows that are locked crosswise would stop one of them.
        let mut asked =
            vec![user(&production(), number, "a", None), user(&production(), number + 100, "b", None)];
        if number % 2 == 0 {
            asked.reverse();
        }
        race.spawn(async move { store.ensure_linked_users(&asked).await.unwrap() });
    }
    let mut ids: Vec<_> = race.join_all().await.into_iter().flatten().map(|user| user.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2, "one of each");
}

async fn several_are_made_together_or_not_at_all(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    assert_eq!(store.ensure_linked_users(&[]).await, Ok(vec![]));
    let asked =
        ["z", "a", "z"].map(|origin| user(&production(), u64::from(origin.as_bytes()[0]), origin, None));
    let made = store.ensure_linked_users(&asked).await.unwrap();
    assert_eq!(made, asked);
    let most: Vec<_> =
        (0..500).map(|n| user(&production(), 1000 + n, &format!("user {n}"), Some("x"))).collect();
    assert_eq!(store.ensure_linked_users(&most).await, Ok(most));

    let before = store.list_linked_users(&production(), None, 500).await.unwrap().rows.len();
    let nowhere = [user(&production(), 2000, "new", None), user(&environment("nowhere"), 2001, "new", None)];
    assert_eq!(store.ensure_linked_users(&nowhere).await, Err(StoreError::MissingParent));
    let long = [user(&production(), 2002, "new", None), user(&production(), 2003, &"x".repeat(1025), None)];
    assert!(matches!(store.ensure_linked_users(&long).await, Err(StoreError::InvalidText(_))));
    let nul = [user(&production(), 2004, "new", None), user(&production(), 2005, "a\0", None)];
    assert!(matches!(store.ensure_linked_users(&nul).await, Err(StoreError::InvalidText(_))));
    let after = store.list_linked_users(&production(), None, 500).await.unwrap().rows.len();
    assert_eq!((after, store.find_linked_user_by_origin(&production(), "new").await), (before, Ok(None)));
}

async fn a_connection_s_external_id_is_a_user_that_stays(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    for number in 1..=3 {
        let mut connection = stored(&production(), number);
        connection.connection.external_id = (number < 3).then(|| "u".to_owned());
        connection.credential.expires_at = (number == 2).then_some(NOW + 5);
        store.insert_connection(&connection, None).await.unwrap();
    }
    let user = store.find_linked_user_by_origin(&production(), "u").await.unwrap().unwrap();
    assert_eq!((user.id.ulid(), user.alias), (connection_id(1).ulid(), None));
    let (oldest, newest) = (connection_id(1), connection_id(3));
    let page = store.list_connection_users(&production(), oldest, newest).await.unwrap();
    let told = |number| {
        let told = &page[&connection_id(number)];
        (told.expires_at, told.user)
    };
    assert_eq!(
        [told(1), told(2), told(3)],
        [(None, Some(user.id)), (Some(NOW + 5), Some(user.id)), (None, None)]
    );
    assert_eq!(store.list_connection_users(&staging(), oldest, newest).await.unwrap().len(), 0);

    // Another external id is another user, the first one stays, and so it does without a connection.
    let patch = |id: &str| ConnectionPatch {
        external_id: Some(Some(id.to_owned())),
        event: Some(event()),
        ..ConnectionPatch::default()
    };
    assert_eq!(store.update_connection(&production(), connection_id(1), &patch("v"), NOW).await, Ok(true));
    let other = store.find_linked_user_by_origin(&production(), "v").await.unwrap().unwrap();
    assert_ne!(other.id, user.id);
    assert_eq!(store.update_connection(&staging(), connection_id(1), &patch("w"), NOW).await, Ok(false));
    for environment in [production(), staging()] {
        assert_eq!(store.find_linked_user_by_origin(&environment, "w").await, Ok(None));
    }
    assert_eq!(store.delete_connection(&production(), connection_id(2), NOW, None).await, Ok(true));
    assert_eq!(
        store.find_linked_user(&production(), user.id).await.unwrap().map(|user| user.id),
        Some(user.id)
    );
}

async fn a_page_of_users_ends_where_the_next_begins(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let users: Vec<_> = (1..=5).map(|n| user(&production(), n, &format!("u{n}"), None)).collect();
    store.ensure_linked_users(&users).await.unwrap();
    store.ensure_linked_users(&[user(&staging(), 9, "s", None)]).await.unwrap();
    let first = store.list_linked_users(&production(), None, 3).await.unwrap();
    let origins = |rows: &[LinkedUser]| rows.iter().map(|user| user.origin_id.clone()).collect::<Vec<_>>();
    assert_eq!((origins(&first.rows), first.has_more), (vec!["u5".into(), "u4".into(), "u3".into()], true));
    let rest = store.list_linked_users(&production(), Some(first.rows[2].id), 3).await.unwrap();
    assert_eq!((origins(&rest.rows), rest.has_more), (vec!["u2".into(), "u1".into()], false));
}
