insert into stock_levels (sku, on_hand)
values ('lamp', 100000), ('chair', 100000), ('desk', 100000), ('shelf', 100000), ('rug', 100000), ('sold-out', 0)
on conflict (sku) do nothing;
