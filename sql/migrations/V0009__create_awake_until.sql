-- Until when (microseconds since 1970, the database's clock) some worker has promised to look for jobs by itself: inserts
-- need not notify before that. A sequence, because it is read and set without locks or dead rows; what it holds may be
-- lost, and then inserts notify. Old workers can live with it: they poll as well. Locks: none.
create sequence ${schema}.awake_until minvalue 0 start 0;
