-- A legacy system: it has never heard of correlation IDs, but its reservations carry the order number, and that is
-- enough. Its levels follow from its reservations by its own trigger, as they always did, so undoing a reservation puts
-- the level back by the system's own rule; the levels themselves need no capture.
create table if not exists stock_levels (
  sku      text    primary key,
  on_hand  integer not null,
  reserved integer not null default 0,
  check (reserved between 0 and on_hand)
);

create table if not exists reservations (
  order_no text    not null,
  line_no  integer not null,
  sku      text    not null references stock_levels,
  quantity integer not null check (quantity > 0),
  status   text    not null default 'reserved' check (status in ('reserved', 'picked')),
  primary key (order_no, line_no)
);

create or replace function follow_reservations() returns trigger language plpgsql as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    update stock_levels set reserved = reserved - old.quantity where sku = old.sku;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    update stock_levels set reserved = reserved + new.quantity where sku = new.sku;
  end if;
  return null;
end
$$;

create or replace trigger follow_reservations
  after insert or delete or update of sku, quantity on reservations
  for each row execute function follow_reservations();
