export default '#decade';
