insert into customers (id, name)
values (1, 'Ada'), (2, 'Grace'), (3, 'Edsger'), (4, 'Barbara'), (5, 'Donald'), (6, 'Frances'), (7, 'Alan'), (8, 'Karen')
on conflict (id) do nothing;
