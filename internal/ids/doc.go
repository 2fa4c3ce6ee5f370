// Package ids has the typed ids of Linkspan's objects and the cursors of its lists and logs, and their one codec.
//
// Outside the program an id is a short prefix that names the type, an underscore, and the bytes in lower-case
// Crockford base32: "chn_06f2…". Inside it is a value of a type of its own, so that a group's id can't be passed for a
// channel's. Each text has exactly one spelling: whatever does not re-encode to itself is malformed.
//
// An id proves nothing: who may see an object is decided where it is read. Nothing in an id, nor in a cursor that a
// group can get, tells how much another group does in private.
package ids
