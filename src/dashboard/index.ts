export { dashboardHandler, type DashboardHandler, type DashboardServerRequest } from './node-handler.js';
export { dashboardFetch } from './fetch-handler.js';
export type { DashboardOptions } from './dashboard-options.js';
