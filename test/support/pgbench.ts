export * from '@unwind/drill/pgbench'
