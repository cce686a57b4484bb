// The address holds what is shown, so that it can be shared and Back works. Each page reads and writes
// its own part of it.

import { listQuery, readList } from "./list-address.js";
import { readTitle, titleQuery } from "./title-address.js";

// { isbn, title, list }: the title that is open, or null; the settings of its page and of the list.
export function readAddress() {
  const query = new URLSearchParams(location.search);
  return { isbn: query.get("isbn") || null, title: readTitle(query), list: readList(query) };
}

export function addressOf({ isbn, title, list }) {
  const query = isbn ? titleQuery(isbn, title) : listQuery(list);
  const text = query.toString();
  return text ? `?${text}` : location.pathname;
}
