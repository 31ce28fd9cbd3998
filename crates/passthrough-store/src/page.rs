//! Pages of lists.

/// The most rows that one page holds, whatever is asked for.
pub const MAX_PAGE: u32 = 500;

/// One page of a list, newest first. The id of the last row is the cursor of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, at most as many as were asked for.
    pub rows: Vec<T>,
    /// Whether rows follow these.
    pub has_more: bool,
}

/// How many rows to read for a page of `limit`: one more, to know whether there is another page.
pub(crate) fn rows_to_read(limit: u32) -> i64 {
    i64::from(limit.clamp(1, MAX_PAGE)) + 1
}

impl<T> Page<T> {
    /// Cuts the one row too many that [`rows_to_read`] asked for.
    pub(crate) fn cut(mut rows: Vec<T>, limit: u32) -> Self {
        let limit = limit.clamp(1, MAX_PAGE) as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Page { rows, has_more }
    }
}
