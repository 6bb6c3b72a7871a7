-- The orders service's own database. Nothing in it knows about rollbacks: capture is installed beside it, by triggers.
create table if not exists customers (
  id           integer primary key,
  name         text    not null,
  -- Running totals that many orders write: declared "delta" in the contract, so undoing one order subtracts its share
  -- and leaves the others' alone.
  orders_count integer not null default 0,
  spent_cents  bigint  not null default 0
);

create table if not exists orders (
  order_no    text        primary key,
  customer_id integer     not null references customers,
  status      text        not null check (status in ('placed', 'confirmed')),
  address     text        not null,
  total_cents bigint      not null,
  placed_at   timestamptz not null default now()
);

create table if not exists order_lines (
  order_no    text    not null references orders,
  line_no     integer not null,
  sku         text    not null,
  quantity    integer not null check (quantity > 0),
  price_cents bigint  not null,
  primary key (order_no, line_no)
);
